"""The native form: one pair a record, nested (JSON Lines, Parquet) or flat with dotted columns (CSV, TSV, Parquet)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dissection import judges, properties
from dissection.comparisons import compare_scores
from dissection.dataset import TEXT_COLUMNS, PairDataset
from dissection.errors import DatasetError, LabelError
from dissection.tables import Table
from dissection.verdicts import number, parse_verdict, parse_verdict_orders, shown

NAME = "native"
DESCRIPTION = "one pair a row, with labels and properties (JSON Lines, Parquet or dotted CSV)"
KNOWN_KEYS = ("pair_id", "scenario", "conditions", *TEXT_COLUMNS, "model_a", "model_b", "labels", "properties", "meta")
FLAT_PREFIXES = ("label.", "property.", "meta.")
NO_SCENARIO = "All"


def recognises(table: Table) -> bool:
    """Whether the first rows look like the native form, nested or flat."""
    keys = {str(key) for value in table.values[:20] if isinstance(value, Mapping) for key in value}
    return (
        bool(keys & {"labels", "properties"}) or {"response_a", "response_b"} <= keys or any(key.startswith(FLAT_PREFIXES) for key in keys)
    )


def read(table: Table) -> PairDataset:
    """A dataset from a table in the native form.

    Raises:
        DatasetError: no rows, a value of the wrong kind, a repeated id; the message names row and pair.
        LabelError: a verdict that is none.
    """
    return read_records(table.rows, table.filename)


def read_records(records: Sequence[Mapping[str, Any]], name: str) -> PairDataset:
    """A dataset from native records: one mapping a pair, nested or with dotted columns; `name` is what errors call the place."""
    if not records:
        raise DatasetError("There are no pairs.", where=name, accepted="at least one row", remedy="check that the file is complete")
    if any(str(key).startswith(FLAT_PREFIXES) for key in records[0]):
        records = [_nest(record) for record in records]
    return _Builder(name, len(records)).build(records)


def _nest(record: Mapping[str, Any]) -> dict[str, Any]:
    """A flat row with dotted columns as a nested record. The last dot parts sides and orders, so names may hold dots."""
    nested: dict[str, Any] = {"labels": {}, "properties": {}, "meta": {}}
    for key, value in record.items():
        section, dot, rest = str(key).partition(".")
        if not dot or section not in ("label", "property", "meta"):
            nested[str(key)] = value
            continue
        stem, _, last = rest.rpartition(".")
        if section == "label" and last in ("ab", "ba") and stem:
            nested["labels"].setdefault(stem, {})[last] = value
        elif section == "property" and last in ("a", "b") and stem:
            nested["properties"].setdefault(stem, {})[last] = value
        elif section == "property":
            nested["properties"][rest] = {"comparison": value}
        else:
            # An empty cell of a flat table is no value.
            nested["labels" if section == "label" else "meta"][rest] = None if value == "" else value
    if isinstance(nested.get("conditions"), str):
        nested["conditions"] = [part.strip() for part in nested["conditions"].replace(",", ";").split(";") if part.strip()]
    return nested


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return value if isinstance(value, str) else str(value)


@dataclass
class _Builder:
    """Gathers one dataset row by row; every complaint names the row (counted from 1) and the pair."""

    name: str
    count: int
    columns: dict[str, list[Any]] = field(default_factory=lambda: {key: [] for key in KNOWN_KEYS if key not in ("labels", "properties")})
    ids: list[str] = field(default_factory=list)
    labels: dict[str, Any] = field(default_factory=dict)
    comparisons: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    unused: dict[str, int] = field(default_factory=dict)
    without_id: int = 0
    words: dict[str, float] = field(default_factory=dict)

    def build(self, records: Iterable[Mapping[str, Any]]) -> PairDataset:
        for row, record in enumerate(records):
            if not isinstance(record, Mapping):
                raise DatasetError(f"Row {row + 1} is not an object.", where=self.name, accepted="one JSON object a row")
            self._add(row, record)
        self._check_ids()
        return self._dataset()

    def _where(self, row: int) -> str:
        return f"{self.name}, row {row + 1}, pair {shown(self.ids[row])}"

    def _add(self, row: int, record: Mapping[str, Any]) -> None:
        pair_id = _text(record.get("pair_id"))
        if pair_id is None or not pair_id.strip():
            self.without_id += 1
            pair_id = str(row)
        self.ids.append(pair_id)
        for key in ("query", "response_a", "response_b", "model_a", "model_b"):
            self.columns[key].append(_text(record.get(key)))
        self.columns["scenario"].append(_text(record.get("scenario")) or NO_SCENARIO)
        self.columns["conditions"].append(self._conditions(row, record.get("conditions")))
        self.columns["meta"].append(self._section(row, record, "meta"))
        for judge, value in self._section(row, record, "labels").items():
            self._add_label(row, str(judge), value)
        for property_, value in self._section(row, record, "properties").items():
            self._add_property(row, str(property_), value)
        for key in record:
            if key not in KNOWN_KEYS:
                self.unused[str(key)] = self.unused.get(str(key), 0) + 1

    def _section(self, row: int, record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = record.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise DatasetError(f"{key} is {shown(value)}.", where=self._where(row), accepted="an object: name → value")
        return value

    def _conditions(self, row: int, value: object) -> tuple[str, ...]:
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return ()
        if isinstance(value, str):
            return (value,) if value else ()
        if isinstance(value, Sequence | np.ndarray) and all(isinstance(part, str) for part in value):
            return tuple(value)
        raise DatasetError(f"conditions is {shown(value)}.", where=self._where(row), accepted="a list of names")

    def _add_label(self, row: int, judge: str, value: object) -> None:
        if judge not in self.labels:
            self.labels[judge] = np.full((self.count, 2), np.nan)
        try:
            if isinstance(value, Mapping):
                self.labels[judge][row] = parse_verdict_orders(value)
            elif isinstance(value, str):
                if value not in self.words:
                    self.words[value] = parse_verdict(value)
                self.labels[judge][row, 0] = self.words[value]
            elif value is not None:
                self.labels[judge][row, 0] = parse_verdict(value)
        except LabelError as error:
            raise LabelError(
                error.problem, where=f"{self._where(row)}, judge {shown(judge)}", accepted=error.accepted, remedy=error.remedy
            ) from error

    def _add_property(self, row: int, property_: str, value: object) -> None:
        if property_ not in self.scores:
            self.comparisons[property_] = np.full(self.count, np.nan)
            self.scores[property_] = np.full((self.count, 2), np.nan)
        if value is None:
            return
        if not isinstance(value, Mapping) or not set(value) <= {"a", "b", "comparison"}:
            raise DatasetError(
                f"The property {shown(property_)} is {shown(value)}.",
                where=self._where(row),
                accepted='{"a": score, "b": score}, or {"comparison": number} where +1 means A has more of it',
            )
        self.comparisons[property_][row] = self._number(row, property_, value.get("comparison"))
        self.scores[property_][row] = [self._number(row, property_, value.get(side)) for side in ("a", "b")]

    def _number(self, row: int, property_: str, value: object) -> float:
        if value is None or (isinstance(value, float) and np.isnan(value)) or (isinstance(value, str) and not value.strip()):
            return float("nan")
        found = number(value)
        if found is None:
            raise DatasetError(
                f"The property {shown(property_)} has the value {shown(value)}.",
                where=self._where(row),
                accepted="a finite number, or empty where it was not assessed",
                remedy="correct the value or leave it empty",
            )
        return found

    def _check_ids(self) -> None:
        first: dict[str, int] = {}
        for row, pair_id in enumerate(self.ids):
            if pair_id in first:
                raise DatasetError(
                    f"The pair_id {shown(pair_id)} comes in row {first[pair_id] + 1} and again in row {row + 1}.",
                    where=self.name,
                    accepted="each pair_id once",
                    remedy="give every pair its own id; the verdicts of several judges on one pair belong into one row",
                )
            first[pair_id] = row

    def _dataset(self) -> PairDataset:
        frame = pd.DataFrame(
            {key: pd.Series(self.columns[key], dtype=object) for key in ("scenario", *TEXT_COLUMNS, "model_a", "model_b")}
        ).set_axis(pd.Index(self.ids, name="pair_id", dtype=object))
        for key in dict.fromkeys(str(key) for meta in self.columns["meta"] for key in meta):
            frame[f"meta.{key}"] = pd.Series([meta.get(key) for meta in self.columns["meta"]], index=frame.index, dtype=object)
        conditions = dict.fromkeys(name for names in self.columns["conditions"] for name in names)
        scores = np.stack(list(self.scores.values()), axis=1) if self.scores else np.empty((self.count, 0, 2))
        given = np.stack(list(self.comparisons.values()), axis=1) if self.scores else np.empty((self.count, 0))
        return PairDataset(
            name=self.name,
            pairs=frame,
            properties=tuple(properties.describe(name) for name in self.scores),
            comparisons=np.where(np.isnan(given), compare_scores(scores[:, :, 0], scores[:, :, 1]), given),
            scores=scores,
            judges=tuple(judges.describe(name) for name in self.labels),
            verdicts=np.stack(list(self.labels.values()), axis=1) if self.labels else np.empty((self.count, 0, 2)),
            conditions={name: np.array([name in names for names in self.columns["conditions"]], dtype=bool) for name in conditions},
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterable[str]:
        if self.without_id:
            yield f"{self.without_id:,} of {self.count:,} pairs have no pair_id; the row's number, counted from 0, is used."
        for key, rows in self.unused.items():
            yield f"The column {shown(key)} ({rows:,} rows) is not part of the native form and was not used."
