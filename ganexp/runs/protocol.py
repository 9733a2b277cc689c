"""Whether two numbers may be compared: what their protocols have in common.

Contract: a protocol is what :class:`ganexp.metrics.measurement.Measurement` says of itself, as plain types. Two are the same
when the data, the extractor (its name and the hash of its weights), the number of samples, real ones included, the seed, the
use of an averaged generator and the options of each metric are equal; how well the extractor knows its classes follows from its
weights and tells none apart, nor does the iteration of the measurement.
"""

import hashlib
import json
import pkgutil
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ganexp.config.compose import flatten
from ganexp.config.errors import ConfigError

# What a protocol says, as text, by its place, such as ("data", "fingerprint"); what stands below a place belongs to it.
Place = tuple[str, ...]
Facts = dict[Place, str]

_MEASURED = "measured"
_NAMES = {"real": "real samples"}


def differences(a: Mapping[str, Any], b: Mapping[str, Any], value: str | None = None) -> list[str]:
    """Return what tells two protocols apart, a sentence each; nothing if numbers made by them may be compared.

    Arguments:
        a: A protocol.
        b: Another.
        value: Look only at what concerns the metrics that give this value, such as `fid`; at everything where models are not
            ranked by it.
    """
    facts, others = _facts([a, b], value)
    alone, found = [], []
    for place in _different([facts, others]):
        if _MEASURED in (facts.get(place), others.get(place)):
            alone.append(place[1])
        else:
            found.append(_sentence(place, facts.get(place), others.get(place)))
    return found + ([f"{', '.join(alone)} {'is' if len(alone) == 1 else 'are'} measured in one only"] if alone else [])


def headings(protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return for each protocol what it says otherwise than some other one of them, in one line."""
    every = _facts(protocols, None)
    places, found = _different(every), []
    for facts in every:
        parts = [f"{_name(place)} {facts[place]}" for place in places if facts.get(place, _MEASURED) != _MEASURED]
        if metrics := [place[1] for place in places if facts.get(place) == _MEASURED]:
            parts.append(f"metrics {', '.join(metrics)}")
        found.append("; ".join(parts))
    return found


def digest(protocol: Mapping[str, Any]) -> str:
    """Return 8 hexadecimal digits that are equal for equal protocols."""
    (facts,) = _facts([protocol], None)
    return hashlib.sha256(json.dumps(sorted((list(place), text) for place, text in facts.items())).encode()).hexdigest()[:8]


def require_same(protocols: Mapping[str, Mapping[str, Any]], value: str | None = None) -> None:
    """Refuse to compare numbers that were not measured in the same way.

    Arguments:
        protocols: The protocol of each number, by the name of what was measured.
        value: The value that is compared; None: all of them.

    Raises:
        ConfigError: Two protocols differ; it says in what.
    """
    names = list(protocols)
    for name in names[1:]:
        if found := differences(protocols[names[0]], protocols[name], value):
            message = f"{value or 'the numbers'} of {names[0]} and {name} cannot be compared: {'; '.join(found)}"
            raise ConfigError(message, hint="python -m ganexp.evaluate measures both in the same way")


def _facts(protocols: Sequence[Mapping[str, Any]], value: str | None) -> list[Facts]:
    """Return all that matters in each protocol: for a value, the settings of the metrics that give it and what they look at."""
    names = {name for protocol in protocols for name in protocol["metrics"]}
    if value is None:
        return [_read(protocol, names) for protocol in protocols]
    classes = [(name, _class(node)) for protocol in protocols for name, node in protocol["metrics"].items()]
    giving = {name for name, metric in classes if value in getattr(metric, "goals", ())} or names
    sees = any(getattr(metric, "needs_features", True) for name, metric in classes if name in giving)
    # How many real samples were scored beside the model does not move its own value.
    unseen = ("real samples",) if sees else ("real samples", "extractor")
    every = (_read(protocol, giving) for protocol in protocols)
    return [{place: text for place, text in facts.items() if place[0] not in unseen} for facts in every]


def _read(protocol: Mapping[str, Any], metrics: Collection[str]) -> Facts:
    """Return what a protocol says, of the metrics only what it says of these."""
    facts: Facts = {}
    for key, content in protocol.items():
        if key == "data":
            facts |= {("data",): content["name"]} | {("data", part): content[part] for part in ("fingerprint", "split")}
        elif key == "extractor":
            facts |= {("extractor",): content["name"], ("extractor", "hash"): content["hash"]} if content else {(key,): "none"}
        elif key == "ema":
            facts[("EMA",)] = "used" if content else "not used"
        elif key == "metrics":
            for name in (name for name in content if name in metrics):
                facts[(key, name)] = _MEASURED
                facts |= {(key, name, option): json.dumps(x) for option, x in flatten(content[name]).items()}
        elif key != "iteration":
            facts[(_NAMES.get(key, key),)] = json.dumps(content, sort_keys=True)
    return facts


def _different(every: Sequence[Facts]) -> list[Place]:
    """Return the places of what is not equal in all, where what it belongs to is."""
    places = dict.fromkeys(place for facts in every for place in facts)
    found = []
    for place in places:
        texts: dict[str | None, set[str | None]] = {}
        for facts in every:
            texts.setdefault(facts.get(place[:-1]), set()).add(facts.get(place))
        if any(len(below) > 1 for below in texts.values()):
            found.append(place)
    return found


def _class(settings: Mapping[str, Any]) -> Any:
    """Return the class of a metric of this package; None for any other, which is not imported: a record may be anybody's."""
    target = str(settings.get("_target_"))
    try:
        return pkgutil.resolve_name(target) if target.startswith("ganexp.metrics.") else None
    except (ImportError, AttributeError, ValueError):  # another version's
        return None


def _sentence(place: Place, a: str | None, b: str | None) -> str:
    if place == ("EMA",):
        return "EMA is not used in one"
    if a is None or b is None:
        return f"{_name(place)} is {a or b} in one only"
    return f"{_name(place)} {a} is not {b}"


def _name(place: Place) -> str:
    """Return what a place is called: `extractor hash`, `fid.subset_size`, or `fid` for the class of that metric."""
    return ".".join(place[1:]).removesuffix("._target_") if place[0] == "metrics" else " ".join(place)
