"""The page as a document, without a browser."""

import json
import re
from html.parser import HTMLParser

import pytest

from ganexp.comparison.page import page
from support import example

EVIL = "</script><script>alert(1)</script><!-- {{script}} {{data}} {% raw %} \u2028 \ud800 & \"'"


class Document(HTMLParser):
    """What elements a document has, which of them are open at its end, and its text by the kind of element it stands in."""

    EMPTY = frozenset({"meta", "link", "img", "br", "input", "hr", "base"})

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.inline = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        kind = self.open[-1] if self.open else ""
        if kind == "script":
            kind = self.elements[-1][1].get("type", "plotly")
        self.inline.setdefault(kind, []).append(text)

    def figures(self):
        return [json.loads(text) for text in self.inline["application/json"]]


@pytest.mark.parametrize("make", [example.example, example.search, example.only_failures, example.single])
def test_is_one_whole_document(make):
    data = make()
    text = page(data)
    document = Document(text)
    assert text.startswith("<!doctype html>")
    assert document.open == []
    assert document.inline["title"][0] == data["title"]
    assert document.figures()
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_curves_are_in_it_as_they_were_read():
    data = example.single()
    drawn = [trace["y"] for content in Document(page(data)).figures() for trace in content.get("data", ())]
    assert all(curves["0"]["y"] in drawn for curves in data["curves"].values())


def test_plotly_is_there_where_something_is_drawn():
    sizes = [len(page(make())) for make in (example.only_failures, example.single)]
    assert sizes[0] < 200_000 < 4_000_000 < sizes[1]


def test_loads_nothing_from_anywhere():
    document = Document(page(example.example()))
    assert not [attributes for _, attributes in document.elements if not attributes.get("src", "data:").startswith("data:")]
    assert not [tag for tag, _ in document.elements if tag in ("link", "iframe", "object", "base")]
    code = "".join(document.inline["style"] + document.inline["module"])
    assert not re.search(r"@import|url\(|https?:|\bfetch\(|XMLHttpRequest|\bimport\(", code)
    policy = next(attributes["content"] for tag, attributes in document.elements if "http-equiv" in attributes)
    rest = r"style-src 'unsafe-inline'; script-src 'sha256-\S+' 'sha256-\S+'"
    assert re.fullmatch(rf"default-src 'none'; img-src data:; {rest}", policy)


def test_text_of_the_data_ends_nothing():
    data = example.single() | {"title": EVIL, "verdict": [EVIL], "commands": [EVIL]}
    data["runs"][0] |= {"name": EVIL, "log": EVIL}
    usual, document = Document(page(example.single())), Document(page(data))
    assert page(data).encode(), "it can be written, whatever the names of folders are"
    assert [tag for tag, _ in document.elements].count("script") == [tag for tag, _ in usual.elements].count("script")
    assert document.open == []


def test_numbers_that_are_none_are_missing():
    data = example.single()
    data["runs"][0]["final"] = {"fid": float("nan"), "precision": float("-inf")}
    assert "not measured" in page(data)


def test_our_script_is_short_and_puts_text_on_the_page_as_text_alone():
    (script,) = Document(page(example.single())).inline["module"]
    assert script.count("\n") < 300
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)
