"""System prompts that ask a model for what a judge likes, or for what it likes least; the templates are in `data/prompts/sway/`."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from dissection.asking.prompts import FOLDER, messages
from dissection.errors import InputError
from dissection.properties import Property, describe
from dissection.sway.changes import Change

PROMPT: Final = "sway/system-1"
WISHES: Final = "wishes-1.json"
MOST_CHARACTERS: Final = 300  # of a name or a meaning that comes from data


@cache
def wish_sentences() -> Mapping[str, Mapping[str, str]]:
    """Property → {"more": sentence, "less": sentence}, of the catalogue's properties."""
    found: dict[str, dict[str, str]] = json.loads((FOLDER / "sway" / WISHES).read_text(encoding="utf-8"))
    return found


def system_prompt(changes: Sequence[Change], properties: Sequence[Property] = ()) -> str:
    """A system prompt that asks for these changes, one line each.

    Args:
        changes: at least one; the first comes first.
        properties: of the data, for the meanings of those that the catalogue does not know. What they are called is given as plain text in
            quotation marks, on one line and cut where it is very long.

    Raises:
        InputError: there is nothing to ask for.
    """
    if not changes:
        raise InputError(
            "There is nothing to ask for: no change is told apart from 0.",
            accepted="at least one change",
            remedy="choose other pairs or another judge",
        )
    known = {property_.name: property_ for property_ in properties}
    lines = [f"- {_sentence(change, known.get(change.name, Property(change.name)))}" for change in changes]
    (found,) = messages(PROMPT, {"wishes": "\n".join(lines)})
    return found["content"]


def _sentence(change: Change, property_: Property) -> str:
    sentences = wish_sentences().get(describe(property_.name).name)
    if sentences is not None:
        return sentences["more" if change.more else "less"]
    meaning = f" ({_plain(property_.meaning)})" if property_.meaning.strip() else ""
    return f"Let your answer have {'more' if change.more else 'less'} of this: “{_plain(property_.name)}”{meaning}."


def _plain(text: str) -> str:
    """One line of printable characters, without the quotation marks that enclose it."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).replace("“", "'").replace("”", "'").split())
    return (line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…").rstrip(".")
