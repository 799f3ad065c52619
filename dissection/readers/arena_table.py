"""Arena-style tables: a prompt, two responses and who won, as in the public competitions on arena votes."""

import dataclasses
from typing import Any

from dissection.dataset import TEXT_COLUMNS, PairDataset
from dissection.readers import native
from dissection.readers.dialogues import TURN_MARK, json_value
from dissection.readers.rows import Rows, has_columns, one_hot
from dissection.tables import Table
from dissection.verdicts import is_missing

NAME = "arena-table"
DESCRIPTION = "prompt, response_a, response_b and winner, or winner_model_a, winner_model_b and winner_tie"
_TEXTS = ("prompt", "response_a", "response_b")
_WINNERS = ("winner_model_a", "winner_model_b", "winner_tie")
_JUDGE = "preference"


def recognises(table: Table) -> bool:
    """Whether the first rows have a prompt, two responses and a winner in one column or three."""
    return has_columns(table, *_TEXTS) and (has_columns(table, "winner") or has_columns(table, *_WINNERS))


def read(table: Table) -> PairDataset:
    """One pair a row. Texts that all are JSON lists hold the turns of a dialogue.

    Raises:
        DatasetError: a text is none, or no verdict can be read; the message names the row.
    """
    worded = "winner" in table.columns
    rows = Rows(table, frozenset({*_TEXTS, "model_a", "model_b", "winner", *(() if worded else _WINNERS)}))
    encoded = _all_encoded(rows)
    if encoded:
        rows.said.append("The prompts and responses are JSON lists; their items are taken as the turns of a dialogue.")
    ids = rows.ids()
    judges = rows.judges("judge", _JUDGE)

    def record(index: int, judge: str) -> dict[str, Any]:
        texts = [_turns(rows, index, column) if encoded else rows.text(index, column) for column in _TEXTS]
        return {
            **dict(zip(TEXT_COLUMNS, texts, strict=True)),
            **({"pair_id": ids[index]} if ids else {}),
            "model_a": rows.name(index, "model_a"),
            "model_b": rows.name(index, "model_b"),
            "labels": {judge: _verdict(rows, index, worded=worded)},
            "meta": rows.meta(index),
        }

    dataset = native.read_records((record(index, judge) for index, judge in enumerate(judges)), table.filename, len(rows))
    rows.check_verdicts(*(() if worded else ("three numbers that add up to 1",)))
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _verdict(rows: Rows, index: int, *, worded: bool) -> float:
    row = rows.rows[index]
    if worded:
        return rows.verdict(index, "winner", row.get("winner"))
    values = [row.get(column) for column in _WINNERS]
    empty = all(is_missing(value) or value == "" for value in values)
    return rows.counted(index, "winner_model_a", float("nan") if empty else one_hot(values), values)


def _list(value: object) -> list[object] | None:
    found = json_value(value) if isinstance(value, str) else value
    return found if isinstance(found, list) and all(item is None or isinstance(item, str) for item in found) else None


def _all_encoded(rows: Rows) -> bool:
    """Decided for the whole file, as a single prompt may well look like a list."""
    cells = (row.get(column) for row in rows.rows for column in _TEXTS)
    return all(_list(value) is not None for value in cells if not is_missing(value))


def _turns(rows: Rows, index: int, column: str) -> str | None:
    found = _list(rows.rows[index].get(column))
    if found is None:
        return None
    for item in found:
        if item is None:
            rows.leave_out(f"turns in the column {column!r} have no text and count as empty", index, item)
    return rows.whole(index, column, TURN_MARK.join(str(item or "") for item in found))
