"""AlpacaEval annotations: an instruction, two outputs, and a preference from 1 (output_1) to 2 (output_2) a row."""

import dataclasses
import math

from dissection.dataset import PairDataset
from dissection.readers import native
from dissection.readers.judgments import Gathered, Judgment, Side
from dissection.readers.rows import Rows, has_columns, means_missing
from dissection.tables import Table
from dissection.verdicts import number

NAME = "alpaca-eval"
DESCRIPTION = "AlpacaEval annotations: instruction, output_1, output_2, preference from 1 to 2, annotator"
_COLUMNS = ("instruction", "output_1", "output_2", "preference")
_JUDGE = "preference"


def recognises(table: Table) -> bool:
    """Whether the first rows have an instruction, two outputs and a preference."""
    return has_columns(table, *_COLUMNS)


def read(table: Table) -> PairDataset:
    """One pair an instruction and two outputs, with the verdicts of all its annotators.

    Raises:
        DatasetError: a text is none, or no preference can be read; the message names the row.
    """
    # Older files call the first generator just so.
    first = "generator_1" if "generator_1" in table.columns else "generator"
    rows = Rows(table, frozenset({*_COLUMNS, "annotator", first, "generator_2"}))
    rows.said.append("The file has no ids of pairs; the id is the number of a pair's first row, counted from 0.")
    judges = rows.judges("annotator", _JUDGE)
    pairs = Gathered((_judgment(rows, index, judge, first) for index, judge in enumerate(judges)), rows)
    rows.check_verdicts("a number from 1 (output_1 is preferred) to 2 (output_2 is)")
    dataset = native.read_records(pairs, table.filename)
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _judgment(rows: Rows, index: int, judge: str, first: str) -> Judgment:
    instruction = rows.text(index, "instruction")
    return Judgment(
        about=(instruction,),
        pair_id=str(index),
        query=instruction,
        first=Side(rows.name(index, first), rows.text(index, "output_1")),
        second=Side(rows.name(index, "generator_2"), rows.text(index, "output_2")),
        judge=judge,
        verdict=_verdict(rows, index),
        meta=rows.meta(index),
    )


def _verdict(rows: Rows, index: int) -> float:
    value = rows.rows[index].get("preference")
    found = number(value)
    if found is not None:
        return rows.counted(index, "preference", 2 - found if 1 <= found <= 2 else None, value)
    # Only "no verdict" is taken from the words: here the scale is a number.
    return rows.counted(index, "preference", math.nan if means_missing(value) else None, value)
