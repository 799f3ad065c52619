"""The questions of each stage, as calls: the prompt, the JSON that is wanted, and how long a reply may be."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from dissection.annotating.plan import Scenario
from dissection.asking.prompts import messages, template, version
from dissection.endpoint.calls import Call
from dissection.endpoint.structured import Message, Schema
from dissection.properties import Property
from dissection.rating_rules import BASIC, CORRECTIONS, MOST_RATING, SEVERITIES, STANCES, TURNED

CHECK, SCENARIO, REFERENCE = "annotate/query-check-1", "annotate/scenario-1", "annotate/reference-1"
BASIC_PROMPT, OWN, SPECIFIC_PROMPT = "annotate/basic-1", "annotate/own-1", "annotate/specific-1"
ERRORS, ERRORS_REFERENCE = "annotate/errors-1", "annotate/errors-reference-1"
PROMPTS: Final = (CHECK, SCENARIO, BASIC_PROMPT, OWN, REFERENCE, ERRORS, ERRORS_REFERENCE, SPECIFIC_PROMPT)
# Of a reply; about twice what an answer in the form asked for takes.
TOKENS: Final = {CHECK: 800, SCENARIO: 64, REFERENCE: 1024, BASIC_PROMPT: 1024, OWN: 1024, ERRORS: 1536, SPECIFIC_PROMPT: 1024}
MOST_ITEMS: Final = 8
# The name under which the rating is asked for.
BASIC_ASKED: Final = tuple("repetitive" if name == TURNED else name for name in BASIC)
# Part of the query-specific question → the list of the query check whose items it is about; None: a single rating.
PARTS: Final[Mapping[str, str | None]] = {
    "intent": None,
    "empathy": None,
    "constraints": "constraints",
    "stances": "stances",
    "mistakes": "mistakes",
}
_PART_PROMPTS: Final = {
    "intent": "annotate/specific-intent-1",
    "empathy": "annotate/specific-feelings-1",
    "constraints": "annotate/specific-constraints-1",
    "stances": "annotate/specific-stances-1",
    "mistakes": "annotate/specific-mistakes-1",
}
_TAGS: Final = ("request", "answer_a", "answer_b", "reference", "constraints", "stances", "mistakes")
_RATING: Final[dict[str, Any]] = {"type": "integer", "enum": list(range(MOST_RATING + 1))}


class Shown(NamedTuple):
    """A pair as it is shown: the query, and the two answers in the order of showing."""

    query: str
    first: str
    second: str


def check_call(label: str, query: str, max_tokens: int | None = None) -> Call:
    """What a query holds: its intent, feelings, constraints, stances and mistakes."""
    items = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_ITEMS}
    flags = {name: {"type": "boolean"} for name in ("intent_clear", "feelings")}
    schema = _object({**flags, **{name: items for name in PARTS.values() if name}})
    return _call(label, CHECK, {"query": query}, schema, max_tokens)


def scenario_call(label: str, query: str, scenarios: Sequence[Scenario], max_tokens: int | None = None) -> Call:
    """Which of the scenarios a query belongs to."""
    listed = "\n".join(f"- {scenario.name}: {scenario.meaning}" for scenario in scenarios)
    schema = _object({"scenario": {"type": "string", "enum": [scenario.name for scenario in scenarios]}})
    return _call(label, SCENARIO, {"query": query, "scenarios": listed}, schema, max_tokens)


def reference_call(label: str, query: str, max_tokens: int | None = None) -> Call:
    """An answer to compare with."""
    return _call(label, REFERENCE, {"query": query}, None, max_tokens)


def basic_call(label: str, shown: Shown, max_tokens: int | None = None) -> Call:
    """Both answers rated on the 20 basic properties."""
    return _call(label, BASIC_PROMPT, shown._asdict(), _both(_object(dict.fromkeys(BASIC_ASKED, _RATING))), max_tokens)


def own_call(label: str, shown: Shown, own: Sequence[Property], max_tokens: int | None = None) -> Call:
    """Both answers rated on properties of the user's own."""
    values = {
        **shown._asdict(),
        "properties": "\n".join(f'- "{property_.name}": {property_.meaning}' for property_ in own),
        "example": json.dumps(own[0].name, ensure_ascii=False),
    }
    return _call(label, OWN, values, _both(_object({property_.name: _RATING for property_ in own})), max_tokens)


def errors_call(label: str, shown: Shown, reference: str | None, max_tokens: int | None = None) -> Call:
    """The errors of both answers, found by comparing with a reference where there is one."""
    error = _object({"what": {"type": "string"}, "severity": {"type": "string", "enum": list(SEVERITIES)}})
    found = _object({"checkable": {"type": "boolean"}, "errors": {"type": "array", "items": error}})
    values = {**shown._asdict(), **({} if reference is None else {"reference": reference})}
    return _call(label, ERRORS if reference is None else ERRORS_REFERENCE, values, _both(found), max_tokens or TOKENS[ERRORS])


def applicable(check: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The parts of the query-specific question that apply by a query check: part → its items (none for a single rating)."""
    found: dict[str, tuple[str, ...]] = {}
    if not check["intent_clear"]:
        found["intent"] = ()
    if check["feelings"]:
        found["empathy"] = ()
    for part, listed in PARTS.items():
        items = tuple(" ".join(item.split()) for item in check[listed]) if listed else ()
        if any(items):
            found[part] = tuple(item for item in items if item)
    return found


def specific_call(label: str, shown: Shown, parts: Mapping[str, Sequence[str]], max_tokens: int | None = None) -> Call:
    """How both answers deal with what the query holds; `parts` as `applicable` gives them."""
    mark = _mark([*shown, *(item for items in parts.values() for item in items)])
    written = "\n\n".join(_part(name, items, mark) for name, items in parts.items())
    form = ", ".join(f'"{name}": {_form(name)}' for name in parts)
    schema = _both(_object({name: _answer_to(name, len(items)) for name, items in parts.items()}))
    return _call(label, SPECIFIC_PROMPT, {**shown._asdict(), "parts": written, "form": form}, schema, max_tokens, mark)


def whole_prompts() -> dict[str, tuple[tuple[str, str], ...]]:
    """Every prompt as it stands in its file: version → role and text of each message."""
    return {version(name): template(name) for name in (*PROMPTS, *_PART_PROMPTS.values())}


def _call(
    label: str, prompt: str, values: Mapping[str, str], schema: Schema | None, max_tokens: int | None, mark: str | None = None
) -> Call:
    mark = _mark(list(values.values())) if mark is None else mark
    asked: tuple[Message, ...] = messages(prompt, {**values, "mark": mark})
    return Call(label, asked, version(prompt), schema=schema, max_tokens=max_tokens or TOKENS[prompt])


def _mark(texts: Sequence[str]) -> str:
    """What is put behind the names of tags so that no text can end its own: "" for nearly all."""
    texts = [text for text in texts if "<" in text]
    marks = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    return next(mark for mark in marks if not any(f"<{end}{tag}{mark}>" in text for end in ("", "/") for tag in _TAGS for text in texts))


def _part(name: str, items: Sequence[str], mark: str) -> str:
    listed = "\n".join(f"{number}. {item}" for number, item in enumerate(items, start=1))
    values = {"number": str(len(items)), "items": listed, "mark": mark}
    return messages(_PART_PROMPTS[name], values)[0]["content"]


def _answer_to(name: str, items: int) -> dict[str, Any]:
    if PARTS[name] is None:
        return _RATING
    words = {"stances": STANCES, "mistakes": CORRECTIONS}.get(name)
    one = {"type": "string", "enum": list(words)} if words else _RATING
    return {"type": "array", "items": one, "minItems": items, "maxItems": items}


def _form(name: str) -> str:
    if PARTS[name] is None:
        return "0 to 3"
    return '["the words", ...]' if name in ("stances", "mistakes") else "[0 to 3, ...]"


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}


def _both(one: Mapping[str, Any]) -> dict[str, Any]:
    return _object({"a": one, "b": one})
