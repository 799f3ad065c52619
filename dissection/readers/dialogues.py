"""Dialogues, as lists of {role, content} or as text with marked turns, taken apart into a query and an answer."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from dissection.readers.rows import Rows
from dissection.verdicts import is_missing

TURN_MARK = "\n\n———\n\n"
ACCEPTED_DIALOGUE = 'a list of turns, each {"role": "user" or "assistant", "content": text}'
_MARKED_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant):[ ]?")
_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant"}


class Turn(NamedTuple):
    """Who said what."""

    role: str
    content: str


def json_value(text: str) -> object:
    """The value of a cell that holds a JSON list as text; None where it holds none."""
    if not text.lstrip().startswith("["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def turns(rows: Rows, index: int, column: str, value: object) -> list[Turn]:
    """The turns of a dialogue in a cell, whose value may also be JSON text.

    Raises:
        DatasetError: it holds no dialogue.
    """
    found = json_value(value) if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(turn, Mapping) for turn in found):
        raise rows.wrong(index, column, value, ACCEPTED_DIALOGUE)
    made = []
    for turn in found:
        role, content = turn.get("role"), turn.get("content")
        if is_missing(content) and isinstance(role, str):
            rows.leave_out(f"turns in the column {column!r} have no text and count as empty", index, role)
            content = ""
        if not isinstance(role, str) or not isinstance(content, str):
            raise rows.wrong(index, column, turn, ACCEPTED_DIALOGUE)
        role = role.strip().lower()
        made.append(Turn(_ROLES.get(role, role), rows.whole(index, column, content)))
    return made


def maybe_turns(rows: Rows, index: int, column: str) -> list[Turn] | None:
    """The turns of a cell, None where it is plain text or empty.

    A dialogue is a list of turns, the same as JSON text, or a text with the marks "Human:" and "Assistant:".

    Raises:
        DatasetError: it holds neither text nor a dialogue.
    """
    value = rows.rows[index].get(column)
    if not isinstance(value, str):
        return None if is_missing(value) else turns(rows, index, column, value)
    parsed = json_value(value)
    if isinstance(parsed, list) and parsed and all(isinstance(turn, Mapping) and {"role", "content"} <= set(turn) for turn in parsed):
        return turns(rows, index, column, parsed)
    parts = _MARKED_TURN.split(value)
    rows.whole(index, column, value)
    if len(parts) < 5 or parts[0].strip():  # two marked turns at least, and nothing before the first
        return None
    return [Turn(_ROLES.get(role.lower(), role.lower()), text.strip()) for role, text in zip(parts[1::2], parts[2::2], strict=True)]


def said_by(dialogue: Sequence[Turn], role: str, most: int | None = None) -> str:
    """What one side said in its first `most` turns, with a mark between turns."""
    return TURN_MARK.join([turn.content for turn in dialogue if turn.role == role][:most])


def written(dialogue: Sequence[Turn], alone: str) -> str | None:
    """A dialogue as one text: the content of a single turn of the role `alone`, else every turn with its role; None if empty."""
    if not dialogue:
        return None
    if len(dialogue) == 1 and dialogue[0].role == alone:
        return dialogue[0].content
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in dialogue)


def split_shared(one: Sequence[Turn], other: Sequence[Turn]) -> tuple[list[Turn], list[Turn], list[Turn]]:
    """The turns with which both dialogues begin, and the rest of each, which is at least its last turn."""
    pairs = list(zip(one, other, strict=False))[: min(len(one), len(other)) - 1]
    shared = [turn for turn, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return shared, list(one[len(shared) :]), list(other[len(shared) :])
