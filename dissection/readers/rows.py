"""What the readers of foreign forms share: rows with their places, cells of the right kind, and a count of everything left out."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dissection.dataset import TEXT_COLUMNS, PairDataset
from dissection.errors import DatasetError
from dissection.tables import Table
from dissection.verdicts import ACCEPTED_WORDS, is_boolean, is_missing, number, shown, word_verdict

MAX_JUDGES = 200
TOGETHER = "all judges"
ID_COLUMNS = ("pair_id", "id", "prompt_id", "question_id")
_SHOWN_PLACES = 5
_SAMPLE = 20

Row = Mapping[str, object]


def has_columns(table: Table, *names: str) -> bool:
    """Whether the first rows are objects that have, all together, these columns."""
    sample = table.values[:_SAMPLE]
    return bool(sample) and set(names) <= {key for value in sample if isinstance(value, Mapping) for key in value}


def has_any(table: Table, *names: str) -> bool:
    """Whether the first rows have any of these columns."""
    return any(has_columns(table, name) for name in names)


def means_missing(value: object) -> bool:
    """Whether the value is empty or a word for "nothing here", such as N/A."""
    found = word_verdict(value)
    return found is not None and math.isnan(found)


@dataclass
class _LeftOut:
    """How many values of one kind are not used, and the first of them with their places."""

    count: int = 0
    places: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{', '.join(self.places)}{', …' if self.count > len(self.places) else ''}"


@dataclass
class Rows:
    """The rows of a table, read cell by cell; what the user should know of them gathers in `notes`.

    Attributes:
        table: the file.
        read: the columns that the form knows; those not among them become meta.
        left_out: what was left out, for the notes.
    """

    table: Table
    read: frozenset[str]
    left_out: dict[str, _LeftOut] = field(default_factory=dict)
    known_verdicts: int = 0
    missing_verdicts: int = 0
    said: list[str] = field(default_factory=list)
    nested: dict[str, None] = field(default_factory=dict)
    id_column: str | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def rows(self) -> Sequence[Row]:
        return self.table.rows

    def where(self, index: int, column: str) -> str:
        """The place of a cell, for messages."""
        return f"{self.table.place(index)}, column {shown(column)}"

    def wrong(self, index: int, column: str, value: object, accepted: str) -> DatasetError:
        """The error for a cell of the wrong kind."""
        return DatasetError(
            f"{column} is {shown(value)}.", where=self.where(index, column), accepted=accepted, remedy="correct the value or remove the row"
        )

    def leave_out(self, what: str, index: int, value: object) -> None:
        """Counts a value that is not used: `what` says of the kind what became of it, as in "turns have no text and count as empty"."""
        found = self.left_out.setdefault(what, _LeftOut())
        found.count += 1
        if found.count <= _SHOWN_PLACES:
            found.places.append(f"{shown(value)} in {self.table.unit} {self.table.numbers[index]}")

    def text(self, index: int, column: str) -> str | None:
        """The text of a cell; None where there is none.

        Raises:
            DatasetError: it holds something else.
        """
        return self.text_of(index, column, self.rows[index].get(column))

    def text_of(self, index: int, column: str, value: object) -> str | None:
        """The same of a part of a cell."""
        if is_missing(value):
            return None
        if not isinstance(value, str):
            raise self.wrong(index, column, value, "a text")
        return self.whole(index, column, value)

    def name(self, index: int, column: str) -> str | None:
        """The name or id in a cell: a text, or a number as its text; None where there is none.

        Raises:
            DatasetError: it holds something else.
        """
        return self.name_of(index, column, self.rows[index].get(column))

    def name_of(self, index: int, column: str, value: object) -> str | None:
        """The same of a part of a cell."""
        if is_missing(value) or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, str):
            return self.whole(index, column, value.strip())
        if number(value) is None:
            raise self.wrong(index, column, value, "a name or a number")
        return str(value)

    def whole(self, index: int, column: str, text: str) -> str:
        """The text itself.

        Raises:
            DatasetError: it holds half of a character, as escaped JSON can; no file and no page can show that.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self.wrong(index, column, text, "whole characters") from error
        return text

    def number(self, index: int, what: str, value: object) -> float:
        """The number that a value holds; NaN where it holds none, which is counted as `what` unless it stands for "missing"."""
        found = number(value)
        if found is not None:
            return found
        if not means_missing(value):
            self.leave_out(f"{what} are no numbers and were left out", index, value)
        return float("nan")

    def verdict(self, index: int, column: str, value: object) -> float:
        """The verdict of a word: 1, 0, 0.5, or NaN where it is missing or unknown; both are counted."""
        return self.counted(index, column, word_verdict(value), value)

    def counted(self, index: int, column: str, found: float | None, value: object) -> float:
        """A verdict that was read (None where it could not be), counted as known, missing or unknown."""
        if found is None:
            self.leave_out(f"verdicts in the column {shown(column)} are unknown and were left out", index, value)
            return float("nan")
        if math.isnan(found):
            self.missing_verdicts += 1
        else:
            self.known_verdicts += 1
        return found

    def meta(self, index: int) -> dict[str, Any]:
        """The cells that the form doesn't read and that hold one value each; columns of lists and objects are noted."""
        rest = {
            self.whole(index, "name of a column", str(key)): value
            for key, value in self.rows[index].items()
            if key not in self.read and key != self.id_column
        }
        self.nested.update(dict.fromkeys(key for key, value in rest.items() if isinstance(value, Mapping | list)))
        return {key: value for key, value in rest.items() if not isinstance(value, Mapping | list)}

    def ids(self) -> list[str] | None:
        """Unique ids from the first id column that the file has; None where it has none.

        An id that comes again gets a number, an empty one that of its row; both are told.
        """
        column = next((name for name in ID_COLUMNS if name in self.table.columns), None)
        self.id_column = column
        if column is None:
            return None
        found = [self.name(index, column) for index in range(len(self))]
        if empty := found.count(None):
            self.said.append(f"{empty:,} rows have nothing in the column {shown(column)}; the row's number, counted from 0, is their id.")
        return self.unique([name or f"row {index}" for index, name in enumerate(found)], column)

    def unique(self, names: Sequence[str], column: str) -> list[str]:
        """The names, with "#2", "#3" … behind those that came before."""
        taken = set(names)
        seen: Counter[str] = Counter()
        unique = []
        again = 0
        for name in names:
            seen[name] += 1
            if seen[name] == 1:
                unique.append(name)
                continue
            again += 1
            while f"{name}#{seen[name]}" in taken:
                seen[name] += 1
            unique.append(f"{name}#{seen[name]}")
            taken.add(unique[-1])
        if again:
            self.said.append(f"{again:,} rows repeat an id of the column {shown(column)}; a number was put behind it, as in x#2.")
        return unique

    def judges(self, column: str, default: str, most: Callable[[int], float] = lambda _: MAX_JUDGES, together: str = TOGETHER) -> list[str]:
        """The judge of each row: the one that its cell names, or `default`.

        Args:
            column: where the judges are named, if the file has it.
            default: the judge's name where it is not said.
            most: the number of rows → how many judges are kept apart; a single one always is.
            together: the name of all of them where they are more.
        """
        if column not in self.table.columns:
            self.said.append(f"The file does not name its judge; here it is called {shown(default)}.")
            return [default] * len(self)
        found = [self.name(index, column) or default for index in range(len(self))]
        distinct = len(set(found))
        if distinct > max(1, most(len(self))):
            self.said.append(
                f"The column {shown(column)} names {distinct:,} judges, too many for the {len(self):,} rows to say much of each; "
                f"they are taken as one judge, {shown(together)}."
            )
            return [together] * len(self)
        return found

    def notes(self) -> Iterable[str]:
        """Everything that was counted, one sentence each."""
        yield from self.said
        if self.nested:
            yield f"Columns that hold lists or objects were not used: {', '.join(shown(name) for name in list(self.nested)[:10])}."
        if self.missing_verdicts:
            yield f"{self.missing_verdicts:,} rows or judgments have no verdict."
        for what, found in self.left_out.items():
            yield f"{found.count:,} {what}: {found}."

    def check_verdicts(self, accepted: str = ACCEPTED_WORDS) -> None:
        """Refuses a file of which no verdict is understood, though there are some.

        Raises:
            DatasetError: as said; it shows the first ones.
        """
        unknown = next((f"{found.count:,} {what}: {found}" for what, found in self.left_out.items() if what.startswith("verdicts")), None)
        if unknown and not self.known_verdicts:
            raise DatasetError(
                f"No verdict can be read: {unknown}.",
                where=self.table.filename,
                accepted=accepted,
                remedy="write the verdicts so, or name another reader",
            )

    def finish(self, dataset: PairDataset) -> tuple[str, ...]:
        """The notes of a dataset that was built from these rows, its own first."""
        texts = zip(*(dataset.texts(column) for column in TEXT_COLUMNS), strict=True)
        known = [hash((query, a, b)) for query, a, b in texts if a is not None and b is not None]
        again = len(known) - len(set(known))
        repeated = [f"{again:,} pairs repeat the query and both answers of another."] if again else []
        return (*dataset.notes, *self.notes(), *repeated)


def one_hot(values: Sequence[object]) -> float | None:
    """P(A preferred) from the three numbers "A wins", "B wins", "tie" that add up to 1; None where they don't."""
    found = [float(bool(value)) if is_boolean(value) else number(value) for value in values]
    if any(value is None or not 0 <= value <= 1 for value in found):
        return None
    a, b, tie = (value or 0.0 for value in found)
    return a + tie / 2 if abs(a + b + tie - 1) < 0.01 else None
