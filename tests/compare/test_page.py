import json
import re
from html.parser import HTMLParser

import pytest

from ganexp.compare.page import page
from support import example

EVIL = "</script><script>alert(1)</script><!-- {{script}} {{data}} \u2028 \ud800 & \"'"


class Document(HTMLParser):
    """What elements a document has, which of them are open at its end, and what stands in scripts and styles."""

    EMPTY = frozenset({"meta", "link", "img", "br", "input", "hr", "base"})

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.inline = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        kind = self.open[-1] if self.open else ""
        if kind in ("script", "style", "title"):
            name = dict(self.elements[-1][1]).get("type", kind)
            self.inline[name] = self.inline.get(name, "") + text


def embedded(text):
    return json.loads(Document(text).inline["application/json"])


@pytest.mark.parametrize("make", [example.example, example.search, example.only_failures, example.single])
def test_is_one_whole_document_with_all_of_the_data(make):
    data = make()
    text = page(data)
    document = Document(text)
    assert text.startswith("<!doctype html>")
    assert document.open == []
    assert [tag for tag, _ in document.elements if tag in ("title", "main", "script", "style")] == [
        "title",
        "style",
        "main",
        "script",
        "script",
    ]
    assert document.inline["title"] == data["title"]
    assert embedded(text) == json.loads(json.dumps(data))


def test_loads_nothing_from_anywhere():
    document = Document(page(example.example()))
    assert not [attributes for _, attributes in document.elements if {"src", "srcset"} & attributes.keys()]
    assert not [tag for tag, _ in document.elements if tag in ("link", "iframe", "object", "base")]
    code = document.inline["style"] + document.inline["module"]
    assert "@import" not in code
    assert not re.search(r"url\(|\bfetch\(|XMLHttpRequest|\bimport\(", code)
    assert set(re.findall(r"https?://[^\"'\s]+", code)) == {"http://www.w3.org/2000/svg"}, "the name of a kind of element"
    policy = next(attributes["content"] for tag, attributes in document.elements if "http-equiv" in attributes)
    assert re.fullmatch(r"default-src 'none'; img-src data:; style-src 'sha256-\S+'; script-src 'sha256-\S+'", policy)


def test_text_of_the_data_ends_nothing():
    data = example.single() | {"title": EVIL, "verdict": [EVIL], "commands": [EVIL]}
    text = page(data)
    assert text.encode(), "it can be written, whatever the names of folders are"
    assert text.count("<script") == 2
    assert embedded(text)["verdict"] == [EVIL]
    assert Document(text).open == []


def test_numbers_that_are_none_are_missing():
    data = example.single()
    data["runs"][0]["final"] = {"fid": float("nan"), "precision": float("-inf")}
    assert embedded(page(data))["runs"][0]["final"] == {"fid": None, "precision": None}


def test_scripts_put_text_on_the_page_as_text_alone():
    script = Document(page(example.single())).inline["module"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)
