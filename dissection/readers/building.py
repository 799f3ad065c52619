"""One dataset out of native records, row by row, or out of whole columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection import judges, properties
from dissection.comparisons import compare_scores
from dissection.dataset import TEXT_COLUMNS, FloatArray, PairDataset
from dissection.errors import DatasetError, LabelError
from dissection.readers.names import MAX_NAME_LENGTH, check_count, check_text
from dissection.spool import TextColumns
from dissection.tables_text import MAX_CELL_LENGTH
from dissection.verdicts import number, parse_verdict, parse_verdict_orders, shown

KNOWN_KEYS: Final = ("pair_id", "scenario", "conditions", *TEXT_COLUMNS, "model_a", "model_b", "labels", "properties", "meta")
NO_SCENARIO: Final = "All"
# Numbers in the arrays of verdicts, scores and comparisons, of 8 bytes each.
MAX_NUMBERS: Final = 200_000_000
# Of all texts together; far more than a file holds, but rows of a few long answers make many pairs.
MAX_CHARACTERS: Final = 8_000_000_000
PARTS: Final = {"a": 0, "b": 1, "comparison": None}
_KNOWN: Final = frozenset(KNOWN_KEYS)
_NAMES: Final = ("scenario", "model_a", "model_b")
_MOST_WORDS: Final = 100_000

Objects = NDArray[np.object_]


@dataclass
class Builder:
    """Gathers one dataset of `count` pairs; every complaint names the row (counted from 1) and the pair.

    Attributes:
        ids: (pairs,).
        names: `scenario`, `model_a`, `model_b` → (pairs,) a text or None.
        texts: `query`, `response_a`, `response_b`, row by row; or whole, in `text_columns`.
        conditions, meta: name → (pairs,).
        labels: judge → (pairs × 2), as in `PairDataset.verdicts`.
        comparisons, scores: property → (pairs,), (pairs × 2); where there is no comparison it is made from the scores.
        unused: column → in how many rows it was passed over.
    """

    name: str
    count: int
    ids: list[str] = field(default_factory=list)
    names: dict[str, Objects] = field(default_factory=dict)
    texts: TextColumns = field(default_factory=lambda: TextColumns(TEXT_COLUMNS))
    text_columns: "dict[str, pd.Series[Any]]" = field(default_factory=dict)
    conditions: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    meta: dict[str, Objects] = field(default_factory=dict)
    labels: dict[str, FloatArray] = field(default_factory=dict)
    comparisons: dict[str, FloatArray] = field(default_factory=dict)
    scores: dict[str, FloatArray] = field(default_factory=dict)
    unused: dict[str, int] = field(default_factory=dict)
    without_id: int = 0
    _verdicts: dict[str, float] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {key: np.full(self.count, None, dtype=object) for key in _NAMES}

    def where(self, row: int) -> str:
        """The place of a row, for messages."""
        return f"{self.name}, row {row + 1}, pair {shown(self.ids[row])}"

    def add(self, row: int, record: Mapping[str, Any]) -> None:
        """The record of the next row."""
        pair_id = self._text(row, record, "pair_id")
        if pair_id is None or not pair_id.strip():
            self.without_id += 1
            pair_id = str(row)
        self.ids.append(pair_id)
        for key in _NAMES:
            self.names[key][row] = self._shared(self._text(row, record, key))
        self.texts.add(tuple(self._text(row, record, key, MAX_CELL_LENGTH) for key in TEXT_COLUMNS))
        self._check_length()
        for condition in self._conditions(row, record.get("conditions")):
            self.add_condition(row, condition)
        for key, value in self._section(row, record, "meta").items():
            if key not in self.meta:
                self.make_room("meta columns", self.meta, self.count)
                self.meta[str(key)] = np.full(self.count, None, dtype=object)
            self.meta[str(key)][row] = self._shared(value)
        for judge, value in self._section(row, record, "labels").items():
            self._add_label(row, str(judge), value)
        for property_, value in self._section(row, record, "properties").items():
            self._add_property(row, str(property_), value)
        for key in record:
            if key not in _KNOWN:
                self.unused[str(key)] = self.unused.get(str(key), 0) + 1

    def add_condition(self, row: int, name: str) -> None:
        """Put a row's pair into a condition."""
        if name not in self.conditions:
            self.make_room("conditions", self.conditions, self.count // 8)
            self.conditions[name] = np.zeros(self.count, dtype=bool)
        self.conditions[name][row] = True

    def _text(self, row: int, record: Mapping[str, Any], key: str, most: int = MAX_NAME_LENGTH) -> str | None:
        """The text or name in a cell; a single value of another kind, such as a number or a date, as Python writes it."""
        value = record.get(key)
        if type(value) is str and value.isascii() and len(value) <= most:  # what most are, and there may be millions
            return value
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return None
        where = f"{self.name}, row {row + 1}"
        if isinstance(value, bytes | Mapping | list | tuple):
            raise DatasetError(f"{key} is {shown(value)}.", where=where, accepted="a text", remedy="write one text a cell")
        text = value if isinstance(value, str) else str(value)
        check_text(text, key, where, most)
        return text

    def make_room(self, what: str, beside: Mapping[str, object], numbers: int) -> None:
        """Before an array is made.

        Args:
            what: is in it and the others of its kind, as in "judges".
            beside: the others.
            numbers: that it holds.

        Raises:
            DatasetError: with it there would be more than `MAX_NAMES` of its kind, or more than `MAX_NUMBERS` numbers.
        """
        check_count(what, len(beside) + 1, self.name)
        held = 2 * len(self.labels) + 3 * len(self.scores) + len(self.meta) + len(self.conditions) // 8
        if held * self.count + numbers > MAX_NUMBERS:
            raise DatasetError(
                f"With {self.count:,} pairs, {len(self.labels):,} judges, {len(self.scores):,} properties and {len(self.meta):,} meta columns "
                "are more than can be held.",
                where=self.name,
                accepted=f"at most {MAX_NUMBERS:,} verdicts, scores, comparisons and meta values",
                remedy="leave out judges, properties or meta columns that are not needed; check that names are not mistaken for values",
            )

    def _shared(self, value: Any) -> Any:
        """The same text object for equal short texts, as there are many rows and few names."""
        if not isinstance(value, str) or len(self._words) >= _MOST_WORDS:
            return value
        return self._words.setdefault(value, value)

    def _check_length(self) -> None:
        if self.texts.characters > MAX_CHARACTERS:
            raise DatasetError(
                f"The texts of the first {len(self.ids):,} of {self.count:,} pairs have {self.texts.characters:,} characters.",
                where=self.name,
                accepted=f"at most {MAX_CHARACTERS:,} characters of texts together",
                remedy="leave out rows, or some of the answers to one query",
            )

    def _section(self, row: int, record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = record.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict | Mapping):
            raise DatasetError(f"{key} is {shown(value)}.", where=self.where(row), accepted="an object: name → value")
        return value

    def _conditions(self, row: int, value: object) -> tuple[str, ...]:
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return ()
        if isinstance(value, str):
            return (value,) if value else ()
        if isinstance(value, Sequence | np.ndarray) and all(isinstance(part, str) for part in value):
            return tuple(value)
        raise DatasetError(f"conditions is {shown(value)}.", where=self.where(row), accepted="a list of names")

    def _add_label(self, row: int, judge: str, value: object) -> None:
        if judge not in self.labels:
            self.make_room("judges", self.labels, 2 * self.count)
            self.labels[judge] = np.full((self.count, 2), np.nan)
        try:
            if isinstance(value, str):
                if value not in self._verdicts:
                    self._verdicts[value] = parse_verdict(value)
                self.labels[judge][row, 0] = self._verdicts[value]
            elif type(value) is float and 0 <= value <= 1:
                self.labels[judge][row, 0] = value
            elif isinstance(value, dict | Mapping):  # a dict is known at once, other mappings take a hundred times longer
                self.labels[judge][row] = parse_verdict_orders(value)
            elif value is not None:
                self.labels[judge][row, 0] = parse_verdict(value)
        except LabelError as error:
            raise LabelError(
                error.problem, where=f"{self.where(row)}, judge {shown(judge)}", accepted=error.accepted, remedy=error.remedy
            ) from error

    def _add_property(self, row: int, property_: str, value: object) -> None:
        if property_ not in self.scores:
            self.make_room("properties", self.scores, 3 * self.count)
            self.comparisons[property_] = np.full(self.count, np.nan)
            self.scores[property_] = np.full((self.count, 2), np.nan)
        if value is None:
            return
        if not isinstance(value, dict | Mapping) or not PARTS.keys() >= value.keys():
            raise DatasetError(
                f"The property {shown(property_)} is {shown(value)}.",
                where=self.where(row),
                accepted='{"a": score, "b": score}, or {"comparison": number} where +1 means A has more of it',
            )
        scores = self.scores[property_]
        for part, found in value.items():
            side = PARTS[part]
            known = found if type(found) is float and isfinite(found) else self._number(row, property_, found)
            if side is None:
                self.comparisons[property_][row] = known
            else:
                scores[row, side] = known

    def _number(self, row: int, property_: str, value: object) -> float:
        if value is None or (isinstance(value, float) and np.isnan(value)) or (isinstance(value, str) and not value.strip()):
            return float("nan")
        found = number(value)
        if found is None:
            raise DatasetError(
                f"The property {shown(property_)} has the value {shown(value)}.",
                where=self.where(row),
                accepted="a finite number, or empty where it was not assessed",
                remedy="correct the value or leave it empty",
            )
        return found

    def _check_ids(self) -> None:
        first: dict[str, int] = {}
        for row, pair_id in enumerate(self.ids):
            if first.setdefault(pair_id, row) != row:
                raise DatasetError(
                    f"The pair_id {shown(pair_id)} comes in row {first[pair_id] + 1} and again in row {row + 1}.",
                    where=self.name,
                    accepted="each pair_id once",
                    remedy="give every pair its own id; the verdicts of several judges on one pair belong into one row",
                )

    def _check_names(self) -> None:
        kinds: dict[str, Mapping[str, object]] = {
            "judge": self.labels,
            "property": self.scores,
            "condition": self.conditions,
            "meta column": self.meta,
        }
        for what, names in kinds.items():
            for name in names:
                if not name.strip() and what != "meta column":
                    raise DatasetError(
                        f"A {what} has no name.", where=self.name, accepted="a name", remedy=f"name the {what}, or remove it"
                    )
                check_text(name, f"The name of a {what}", self.name)
        check_count("scenarios", len(set(self.names["scenario"].tolist())), self.name)

    def finish(self) -> PairDataset:
        """The dataset.

        Raises:
            DatasetError: an id comes twice, a name is missing or can't be shown, or there are too many scenarios.
        """
        self._check_ids()
        self._check_names()
        frame = pd.DataFrame(self.names)[["scenario"]]
        frame["scenario"] = frame["scenario"].where(frame["scenario"].astype(bool), NO_SCENARIO)
        for key, column in (self.text_columns or self.texts.finish()).items():
            frame[key] = column
        for key in ("model_a", "model_b"):
            frame[key] = pd.Series(self.names[key], dtype=object)
        # At once, as a frame that grows column by column comes to lie in pieces.
        if self.meta:
            frame = pd.concat(
                [frame, pd.DataFrame({f"meta.{key}": pd.Series(values, dtype=object) for key, values in self.meta.items()})], axis=1
            )
        scores = np.stack(list(self.scores.values()), axis=1) if self.scores else np.empty((self.count, 0, 2))
        given = np.stack(list(self.comparisons.values()), axis=1) if self.scores else np.empty((self.count, 0))
        return PairDataset(
            name=self.name,
            pairs=frame.set_axis(pd.Index(self.ids, name="pair_id", dtype=object)),
            properties=tuple(properties.describe(name) for name in self.scores),
            comparisons=np.where(np.isnan(given), compare_scores(scores[:, :, 0], scores[:, :, 1]), given),
            scores=scores,
            judges=tuple(judges.describe(name) for name in self.labels),
            verdicts=np.stack(list(self.labels.values()), axis=1) if self.labels else np.empty((self.count, 0, 2)),
            conditions=self.conditions,
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterable[str]:
        if self.without_id:
            yield f"{self.without_id:,} of {self.count:,} pairs have no pair_id; the row's number, counted from 0, is used."
        for key, rows in self.unused.items():
            yield f"The column {shown(key)} ({rows:,} rows) is not part of the native form and was not used."
