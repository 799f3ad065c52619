"""A judge's verdicts from any file, matched to the pairs of a dataset, with a report before anything is used.

Nothing is guessed: an unknown word is counted and shown with its rows, an ambiguous number is asked of the user, a contradiction is
refused. `read_labels` is the one door; `label_forms` knows the forms, `label_values` the numbers, `verdicts` the words.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from dissection.agreement import classes, cohen_kappa
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import LabelError
from dissection.label_columns import Column, Layout
from dissection.label_forms import Entry, entries, judge_name, recognise
from dissection.label_report import EXAMPLES, LabelReport, more
from dissection.label_templates import TEMPLATE_FORMS, TEMPLATE_ROWS, template
from dissection.label_values import MeaningOfOne, read_values, show_cell
from dissection.tables import Table, read_table
from dissection.verdicts import shown

__all__ = ["TEMPLATE_FORMS", "TEMPLATE_ROWS", "LabelReport", "MeaningOfOne", "read_labels", "template"]

_POSITIONS = {"first", "second", "left", "right"}


def read_labels(
    data: bytes | Path,
    filename: str,
    dataset: PairDataset,
    judge: str | None = None,
    meaning_of_one: MeaningOfOne | None = None,
    rename: Mapping[str, str] | None = None,
) -> tuple[LabelReport, ...]:
    """The verdicts of each judge in a file, with a report; nothing is added to the dataset yet (see `LabelReport.join`).

    Args:
        data: the file's bytes, or its path.
        filename: for messages.
        dataset: labels are matched to its pairs by pair_id, or by order where the file is a list.
        judge: the judge's name where the file doesn't say one.
        meaning_of_one: the side that 1 stands for, where the labels are 0/1 or -1/0/1; other labels are not touched by it.
        rename: names in the file → names to use instead, for judges that the dataset already has.

    Returns:
        One report for each judge, in the order of the file.

    Raises:
        FileError: the file can't be read.
        LabelError: it has none of the known forms, a list of another length, a name that is taken, or labels that contradict each other.
        AmbiguousLabelError: the labels are numbers with more than one reading; ask the user and pass `meaning_of_one`.
    """
    if not len(dataset):
        raise LabelError("The dataset has no pairs to match labels to.", where=dataset.name, remedy="choose a dataset with pairs")
    pair_ids = [str(pair_id) for pair_id in dataset.pairs.index]
    table = read_table(data, filename)
    _check_not_pairs(table)
    layout = recognise(table, pair_ids)
    taken, found = dataset.judge_names, []
    for column in layout.columns:
        name = judge_name((rename or {}).get(column.judge or "", column.judge), judge, taken, filename)
        taken = (*taken, name)
        found.append((name, column))
    index = {pair_id: position for position, pair_id in enumerate(pair_ids)}
    return tuple(_report(name, layout, column, dataset, index, meaning_of_one, filename) for name, column in found)


def _check_not_pairs(table: Table) -> None:
    """Refuses a dataset of pairs, of which every column would else be read as a judge."""
    keys = {key for value in table.values[:20] if isinstance(value, Mapping) for key in value}
    if {"response_a", "response_b"} <= keys or {"labels", "properties"} & keys:
        raise LabelError(
            "This is a dataset of pairs, not the labels of a judge.",
            where=table.filename,
            accepted="pair_id and a verdict a row",
            remedy="open it as a whole dataset",
        )


def _report(
    judge: str,
    layout: Layout,
    column: Column,
    dataset: PairDataset,
    index: Mapping[str, int],
    meaning_of_one: MeaningOfOne | None,
    filename: str,
) -> LabelReport:
    where = f"{filename}, judge {judge!r}"
    found = list(entries(layout, column, filename))
    values, value_notes = read_values([entry.value for entry in found], column.meaning, meaning_of_one, where)
    match = _Match(len(index), layout.unit, where)
    for entry, verdict in zip(found, values, strict=True):
        match.add(entry, _position(entry.pair_id, index), verdict)
    match.check()
    verdicts = match.verdicts
    soft = _soft(verdicts)
    answered = ~np.isnan(soft)
    twice = ~np.isnan(verdicts).any(axis=1)
    sides = classes(verdicts)
    inconsistent = twice & (sides[:, 0] != sides[:, 1])
    missing = np.flatnonzero(~answered)
    ids = list(index)
    return LabelReport(
        judge=judge,
        form=layout.form,
        verdicts=verdicts,
        labels=len(found),
        matched=int(answered.sum()),
        missing=len(missing),
        missing_examples=tuple(ids[i] for i in missing[:EXAMPLES]),
        no_verdict=match.no_verdict,
        unknown_ids=match.unknown_ids,
        unknown_id_examples=tuple(match.unknown_id_examples),
        duplicates=match.duplicates,
        unknown_labels={value: tuple(rows) for value, rows in match.unknown_labels.items()},
        ties=int(((soft == 0.5) & ~inconsistent).sum()),
        share_a=float(soft[answered].mean()) if answered.any() else math.nan,
        order_inconsistent=int(inconsistent.sum()),
        asked_twice=int(twice.sum()),
        notes=(*layout.notes, *value_notes, *_position_note(found)),
        unit=layout.unit,
        kappa=_kappa(soft, dataset),
    )


class _Match:
    """Labels joined to pairs one after the other, with the count of everything that doesn't fit."""

    def __init__(self, pairs: int, unit: str, where: str) -> None:
        self.verdicts = np.full((pairs, 2), np.nan)
        self.no_verdict = self.unknown_ids = self.duplicates = self.conflicts = 0
        self.unknown_id_examples: list[tuple[str, int]] = []
        self.unknown_labels: dict[str, list[int]] = {}
        self._kept: dict[tuple[int, int], Entry] = {}
        self._conflicts: list[str] = []
        self._unit, self._where = unit, where

    def add(self, entry: Entry, position: int | None, verdict: float | None) -> None:
        """One label: of the pair at `position`, None for a pair that isn't there; its verdict is None where it is unknown."""
        if position is None:
            self.unknown_ids += 1
            if len(self.unknown_id_examples) < EXAMPLES:
                self.unknown_id_examples.append((shown(entry.pair_id), entry.row))
        if verdict is None:
            self.unknown_labels.setdefault(show_cell(entry.value), []).append(entry.row)
        elif math.isnan(verdict):
            self.no_verdict += 1
        elif position is not None:
            self._keep(entry, position, verdict)

    def _keep(self, entry: Entry, position: int, verdict: float) -> None:
        earlier = self._kept.setdefault((position, entry.order), entry)
        if earlier is entry:
            self.verdicts[position, entry.order] = verdict
        elif self.verdicts[position, entry.order] == verdict:
            self.duplicates += 1
        else:
            self.conflicts += 1
            if len(self._conflicts) < EXAMPLES:
                self._conflicts.append(
                    f"{shown(entry.pair_id)} is {show_cell(earlier.value)} in {self._unit} {earlier.row} "
                    f"and {show_cell(entry.value)} in {self._unit} {entry.row}"
                )

    def check(self) -> None:
        """Refuses labels that contradict each other.

        Raises:
            LabelError: names the first of them, with their rows.
        """
        if self.conflicts:
            raise LabelError(
                f"{self.conflicts:,} labels contradict an earlier one of the same pair: "
                f"{'; '.join(self._conflicts)}{more(self.conflicts)}.",
                where=self._where,
                accepted="one verdict a pair, or one a pair and order",
                remedy="keep one of them; if the judge was asked in both orders, add a column order with ab and ba",
            )


def _position(pair_id: object, index: Mapping[str, int]) -> int | None:
    """The pair of this id. Ids are texts: 7 and 7.0 (a Parquet column with gaps) are "7", but "007" is not."""
    if isinstance(pair_id, str):
        found = index.get(pair_id)
        return index.get(pair_id.strip()) if found is None else found
    if isinstance(pair_id, bool) or not isinstance(pair_id, int | float):
        return None
    try:
        return index.get(str(int(pair_id)) if float(pair_id).is_integer() else str(pair_id))
    except (OverflowError, ValueError):  # an id of more than 308 digits
        return None


def _soft(verdicts: FloatArray) -> FloatArray:
    """(pairs,) the mean of both orders where both were asked, as in `PairDataset.labels`."""
    answered = ~np.isnan(verdicts)
    count = answered.sum(axis=1)
    total = np.where(answered, verdicts, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(verdicts), np.nan), where=count > 0))


def _position_note(found: list[Entry]) -> Iterator[str]:
    words = {entry.value.strip().lower() for entry in found if entry.order == 1 and isinstance(entry.value, str)} & _POSITIONS
    if words:
        yield (
            f"With order ba, {' and '.join(sorted(words))} was read in terms of A and B (first and left are A), "
            "not of what was shown first. "
            "If it means the place on the screen, turn these labels round."
        )


def _kappa(soft: FloatArray, dataset: PairDataset) -> pd.DataFrame:
    rows = [
        {"judge": name, **dataclasses.asdict(cohen_kappa(soft, dataset.labels[:, column]))}
        for column, name in enumerate(dataset.judge_names)
    ]
    return pd.DataFrame(rows, columns=["judge", "kappa", "low", "high", "n", "percent", "reason"])
