"""Evaluation results of one model from a file: AlpacaEval annotations, MT-Bench-style scores, or plain ids with verdicts or scores."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from dissection.errors import DatasetError, UnknownFormError
from dissection.readers import alpaca_eval
from dissection.readers.rows import ID_COLUMNS, Rows, has_columns, means_missing
from dissection.tables import Table, read_table
from dissection.verdicts import number
from dissection.wording import count

Kind = Literal["verdicts", "scores"]
Cell = Callable[[object], float | None]

ACCEPTED: Final = (
    "AlpacaEval annotations (instruction, output_1, output_2, preference from 1 to 2); MT-Bench scores (question_id, turn, score from 1 to 10); "
    "or an id column (pair_id, id, prompt_id or question_id) with `verdict` (win, tie, loss, or from 0 to 1) or `score` (any number)"
)
WORDS: Final = {"win": 1.0, "won": 1.0, "tie": 0.5, "draw": 0.5, "loss": 0.0, "lose": 0.0, "lost": 0.0}
MT_BENCH_MISSING: Final = -1.0  # what MT-Bench writes where no score was found in the judge's words
_MODELS: Final = ("model", "model_id", "generator_2")


@dataclass(frozen=True, eq=False)
class Results:
    """How a model did, item by item.

    Attributes:
        name: of the file.
        kind: "verdicts": 100 where the model's answer won, 0 where it lost, 50 for a tie, so that the mean is a win rate in per cent; or
            "scores", as they stand.
        form: in words.
        values: id → value, the mean where an item has several.
        queries: id → the query that it belongs to; items of one query are not independent.
        model: whose results; empty where it is not said.
        notes: what should be known of the reading, one sentence each.
    """

    name: str
    kind: Kind
    form: str
    values: Mapping[str, float]
    queries: Mapping[str, str]
    model: str
    notes: tuple[str, ...]


class _Form(NamedTuple):
    """A form: what it is called, where an item's id and query stand, and how its value is read."""

    kind: Kind
    words: str
    ids: tuple[str, ...]
    query: str
    column: str
    accepted: str
    read: Cell


def read_results(data: bytes | Path, filename: str) -> Results:
    """The results in a file.

    Args:
        data: the file's bytes, or its path.
        filename: for messages.

    Raises:
        FileError: the file can't be read, or is of none of the `ACCEPTED` forms.
        DatasetError: a row has no id, results of several models are mixed, or no value can be read; the message names the place.
    """
    table = read_table(data, filename)
    form = _form(table)
    rows = Rows(table, frozenset())
    model = _model(rows)
    values: dict[str, list[float]] = {}
    queries: dict[str, str] = {}
    for index, row in enumerate(rows.rows):
        item = _item(rows, index, form)
        found = _value(rows, index, form, row)
        if not math.isnan(found):
            values.setdefault(item, []).append(found)
            queries[item] = rows.name(index, form.query) or item
    rows.check_verdicts(form.accepted)
    again = sum(len(each) > 1 for each in values.values())
    if again:
        rows.said.append(f"{count(again, 'item has', 'items have')} several values; their mean is used.")
    notes = tuple(note.replace("verdicts in the column", "values in the column") for note in rows.notes())
    means = {item: float(np.mean(each)) for item, each in values.items()}
    return Results(filename, form.kind, form.words, means, queries, model, notes)


def _form(table: Table) -> _Form:
    if alpaca_eval.recognises(table):
        # The model under test is the second one; the first is the one that all are compared with.
        words, ids = "AlpacaEval annotations; the model is the one of output_2", ("instruction",)
        return _Form("verdicts", words, ids, "instruction", "preference", "a number from 1 (output_1) to 2 (output_2)", _preference)
    if has_columns(table, "question_id", "turn", "score"):
        words = "MT-Bench scores, one a question and turn"
        return _Form("scores", words, ("question_id", "turn"), "question_id", "score", "a score from 1 to 10", _grade)
    named = next((column for column in ID_COLUMNS if has_columns(table, column)), None)
    both = [column for column in ("verdict", "score") if has_columns(table, column)]
    if named is None or len(both) != 1:
        columns = ", ".join(table.columns[:12]) if all(isinstance(value, dict) for value in table.values[:20]) else "none"
        problem = "The file has both verdicts and scores." if len(both) == 2 else f"The file holds no results; its columns are: {columns}."
        raise UnknownFormError(problem, where=table.filename, accepted=ACCEPTED, remedy="name the columns so, one kind a file")
    if both == ["verdict"]:
        accepted = "win, tie, loss, or a number from 0 (lost) to 1 (won)"
        return _Form("verdicts", "verdicts on the model's answers", (named,), named, "verdict", accepted, _verdict)
    return _Form("scores", "scores of the model's answers", (named,), named, "score", "a number", number)


def _model(rows: Rows) -> str:
    """The model that all rows are of."""
    column = next((name for name in _MODELS if name in rows.table.columns), None)
    if column is None:
        return ""
    found = sorted({rows.name(index, column) or "" for index in range(len(rows))} - {""})
    if len(found) > 1:
        raise DatasetError(
            f"The results are of {len(found):,} models: {', '.join(found[:5])}{' …' if len(found) > 5 else ''}.",
            where=f"{rows.table.filename}, column {column!r}",
            accepted="the results of one model a file",
            remedy="keep the rows of one model",
        )
    return found[0] if found else ""


def _item(rows: Rows, index: int, form: _Form) -> str:
    parts = [rows.name(index, column) for column in form.ids]
    for column, part in zip(form.ids, parts, strict=True):
        if part is None:
            raise rows.wrong(index, column, rows.rows[index].get(column), "an id in every row")
    # A number that stands as 7 in one file and as 7.0 in another is one id.
    return " · ".join(str(part).removesuffix(".0") if number(part) is not None else str(part) for part in parts)


def _value(rows: Rows, index: int, form: _Form, row: Mapping[str, Any]) -> float:
    cell = row.get(form.column)
    found = math.nan if means_missing(cell) else form.read(cell)
    return rows.counted(index, form.column, found, cell)


def _preference(cell: object) -> float | None:
    found = number(cell)
    return 100 * (found - 1) if found is not None and 1 <= found <= 2 else None


def _grade(cell: object) -> float | None:
    found = number(cell)
    if found == MT_BENCH_MISSING:
        return math.nan
    return found if found is not None and 1 <= found <= 10 else None


def _verdict(cell: object) -> float | None:
    found = number(cell)
    if found is None and isinstance(cell, str):
        found = WORDS.get(cell.strip().casefold())
    return 100 * found if found is not None and 0 <= found <= 1 else None


def template() -> pd.DataFrame:
    """Rows as an example of the plain form."""
    return pd.DataFrame({"id": ["q1", "q2", "q3"], "verdict": ["win", "loss", "tie"]})
