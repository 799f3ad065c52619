"""PRISM's utterances: people talk with models and score each answer of a turn from 1 to 100 (arXiv:2404.16019)."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.readers import native
from dissection.readers.dialogues import Turn, written
from dissection.readers.rows import Rows, has_columns
from dissection.tables import Table
from dissection.verdicts import is_boolean, number

NAME = "prism"
DESCRIPTION = "PRISM's utterances: conversation_id, turn, user_prompt, model_response, score"
_CONVERSATION, _TURN, _PROMPT, _ANSWER, _SCORE, _CHOSEN = "conversation_id", "turn", "user_prompt", "model_response", "score", "if_chosen"
_JUDGE = "participants"
_EMPTY = "EMPTY STRING"


class _Place(NamedTuple):
    """A turn of a conversation."""

    conversation: str
    turn: float


class _Cell(NamedTuple):
    """Where a text of a conversation stands, and who says it."""

    role: str
    row: int
    column: str


def recognises(table: Table) -> bool:
    """Whether the first rows have scored answers with their conversation and turn."""
    return has_columns(table, _CONVERSATION, _TURN, _PROMPT, _ANSWER, _SCORE)


def read(table: Table) -> PairDataset:
    """All pairs of answers in one turn; the participant prefers the one with the higher score, equal is a tie.

    The query is what was said until then: the prompts, and of the earlier answers those that the participant went on with.

    Raises:
        DatasetError: a text or a turn is none, no score can be read, or no turn has two answers; the message names the row.
    """
    used = {_CONVERSATION, _TURN, _PROMPT, _ANSWER, _SCORE, _CHOSEN}
    rows = Rows(table, frozenset({*used, "user_id", "utterance_id", "within_turn_id", "model_name", "conversation_type"}))
    turns = _turns(rows)
    judges = rows.judges("user_id", _JUDGE, together=_JUDGE)
    scores = [rows.number(index, "scores", rows.rows[index].get(_SCORE)) for index in range(len(rows))]
    if len(rows) and np.isnan(scores).all():
        raise rows.wrong(0, _SCORE, rows.rows[0].get(_SCORE), "a number, the higher the better")
    pairs = sum(len(members) * (len(members) - 1) // 2 for members in turns.values())
    if not pairs:
        raise DatasetError(
            "No two answers belong to one turn.",
            where=table.filename,
            accepted="at least two rows with the same conversation_id and turn",
            remedy="give the whole file of utterances",
        )
    _tell(rows, turns, pairs)
    dataset = native.read_records(_records(rows, turns, judges, scores), table.filename, pairs)
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _turns(rows: Rows) -> dict[_Place, list[int]]:
    """Turn → the rows of its answers."""
    found: dict[_Place, list[int]] = {}
    for index in range(len(rows)):
        conversation, turn = rows.name(index, _CONVERSATION), number(rows.rows[index].get(_TURN))
        if conversation is None or turn is None:
            column = _CONVERSATION if conversation is None else _TURN
            raise rows.wrong(index, column, rows.rows[index].get(column), "the conversation's id" if conversation is None else "a number")
        found.setdefault(_Place(conversation, turn), []).append(index)
    alone = sum(len(members) == 1 for members in found.values())
    if alone:
        rows.said.append(f"{alone:,} turns have one answer and make no pair.")
    return found


def _records(rows: Rows, turns: Mapping[_Place, list[int]], judges: Sequence[str], scores: Sequence[float]) -> Iterator[dict[str, Any]]:
    """One record a pair, made when it is asked for, as all texts need not fit into memory."""
    before = _before(rows, turns)
    for place, members in turns.items():
        said, count = before[place]
        query = written([Turn(role, _text(rows, index, column) or "") for role, index, column in said[:count]], "user")
        for (i, a), (j, b) in combinations(enumerate(members), 2):
            yield _record(rows, (a, b), f"{place.conversation}:{place.turn:g}:{i + 1}-{j + 1}", judges[a]) | {
                "query": query,
                "response_a": _text(rows, a, _ANSWER),
                "response_b": _text(rows, b, _ANSWER),
                "labels": {judges[a]: _verdict(scores[a], scores[b])},
            }


def _before(rows: Rows, turns: Mapping[_Place, list[int]]) -> dict[_Place, tuple[list[_Cell], int]]:
    """Turn → the cells of what its whole conversation says, and how many of them come before the turn's answers."""
    conversations: dict[str, list[_Place]] = {}
    for place in turns:
        conversations.setdefault(place.conversation, []).append(place)
    found = {}
    for places in conversations.values():
        said: list[_Cell] = []
        for place in sorted(places):
            members = turns[place]
            said.append(_Cell("user", members[0], _PROMPT))
            found[place] = (said, len(said))
            chosen = next((index for index in members if _is_chosen(rows, index)), None)
            if chosen is not None:
                said.append(_Cell("assistant", chosen, _ANSWER))
    return found


def _is_chosen(rows: Rows, index: int) -> bool:
    value = rows.rows[index].get(_CHOSEN)
    return bool(value) if is_boolean(value) else str(value).strip().lower() == "true"


def _text(rows: Rows, index: int, column: str) -> str | None:
    found = rows.text(index, column)
    return "" if found == _EMPTY else found


def _verdict(a: float, b: float) -> float | None:
    return None if np.isnan(a + b) else float(1 + np.sign(a - b)) / 2


def _record(rows: Rows, pair: tuple[int, int], pair_id: str, judge: str) -> dict[str, Any]:
    a, b = pair
    meta = {key: value for key, value in rows.meta(a).items() if rows.rows[b].get(key) == value}
    return {
        "pair_id": pair_id,
        "scenario": rows.name(a, "conversation_type"),
        "model_a": rows.name(a, "model_name"),
        "model_b": rows.name(b, "model_name"),
        "meta": {**meta, _TURN: number(rows.rows[a].get(_TURN)), **({"user_id": rows.name(a, "user_id")} if judge == _JUDGE else {})},
    }


def _tell(rows: Rows, turns: Mapping[_Place, list[int]], pairs: int) -> None:
    empty = sum(rows.rows[index].get(_ANSWER) == _EMPTY for index in range(len(rows)))
    if empty:
        rows.said.append(f"{empty:,} answers are the words {_EMPTY}, which PRISM writes for one that is empty; they are taken as empty.")
    rows.said += [
        f"{len(rows):,} scored answers make {pairs:,} pairs: all pairs of answers in the same turn. The higher score is preferred, equal is a tie.",
        "After a conversation's first turn both answers are of the model that the participant chose there.",
    ]
    if any(len(members) > 2 for members in turns.values()):
        rows.said.append("Pairs of one turn share answers, so they tell less than as many separate pairs; intervals come out too narrow.")
