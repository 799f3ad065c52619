"""What a user knows of the judges: columns from a table, or from the parts of the judges' names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dissection.errors import FileError, InputError, LabelError, UnknownNameError
from dissection.likeness.groups import Grouping
from dissection.tables import read_table
from dissection.wording import count

JUDGE_COLUMN = "judge"
SHOWN = 5


@dataclass(frozen=True, eq=False)
class Metadata:
    """Columns of judges' metadata.

    Attributes:
        judges: of the dataset.
        columns: column → {judge: value}; a judge without a value is missing in it.
        notes: what the user should know of the join, one sentence each.
    """

    judges: tuple[str, ...]
    columns: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()

    def grouping(self, column: str) -> Grouping:
        """The judges by the values of a column.

        Raises:
            UnknownNameError: there is no such column; the message lists those there are.
        """
        if column not in self.columns:
            raise UnknownNameError(f"There is no column {column!r} of judge metadata.", accepted=", ".join(self.columns))
        values = self.columns[column]
        return Grouping(column, values, {judge: f"no {column}" for judge in self.judges if judge not in values})


def read_metadata(data: bytes | Path, filename: str, judges: Sequence[str]) -> Metadata:
    """Metadata from a file with a column `judge` and at least one more.

    Args:
        data: the file's bytes, or its path.
        filename: for messages.
        judges: of the dataset.

    Raises:
        FileError: the file can't be read, or has no column `judge` or no other one.
        LabelError: a judge comes twice, or none of the dataset's judges is there.
    """
    table = read_table(data, filename)
    named = [column for column in table.columns if column.strip().casefold() == JUDGE_COLUMN]
    columns = [column for column in table.columns if column not in named]
    if len(named) != 1 or not columns:
        raise FileError(
            f"The columns are {', '.join(map(repr, table.columns))}.",
            where=filename,
            accepted="one column `judge`, and at least one that says something of the judges",
            remedy="give the table a heading such as judge,vendor",
        )
    places = [table.place(index) for index in range(len(table))]
    return metadata_of(
        [(row.get(named[0]), {column: row.get(column) for column in columns}) for row in table.rows], judges, filename, places
    )


def metadata_of(
    rows: Sequence[tuple[object, Mapping[str, object]]], judges: Sequence[str], source: str, places: Sequence[str] = ()
) -> Metadata:
    """Metadata from rows: a judge, and its values by column; None and empty text are no value.

    Args:
        rows: such as those of a table that was edited in the app.
        judges: of the dataset.
        source: where the rows are from, for messages.
        places: where each row stands, for messages.

    Raises:
        LabelError: a judge comes twice, or none of the dataset's judges is there.
    """
    where = list(places) or [f"{source}, row {number}" for number in range(1, len(rows) + 1)]
    first: dict[str, str] = {}
    unknown: list[str] = []
    columns: dict[str, dict[str, str]] = {column: {} for _, values in rows for column in values}
    for place, (name, values) in zip(where, rows, strict=True):
        judge = _text(name)
        if judge in first:
            raise LabelError(
                f"The judge {judge!r} comes more than once.",
                where=f"{first[judge]} and {place}",
                accepted="one row for each judge",
                remedy="delete one of the rows",
            )
        first[judge] = place
        if judge not in judges:
            unknown.append(judge)
            continue
        for column, value in values.items():
            if _text(value):
                columns[column][judge] = _text(value)
    known = [judge for judge in judges if judge in first]
    if not known:
        raise LabelError(
            f"None of its judges is in the data: {_list(unknown)}." if unknown else "It names no judge.",
            where=source,
            accepted=_list(judges),
            remedy="write the names as they stand in the data",
        )
    return Metadata(tuple(judges), columns, _notes(source, unknown, [judge for judge in judges if judge not in first]))


def _notes(source: str, unknown: Sequence[str], missing: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if unknown:
        notes.append(f"{source} names {count(len(unknown), 'judge')} that the data does not have: {_list(unknown)}. Not used.")
    if missing:
        notes.append(f"{source} says nothing of {count(len(missing), 'judge')} of the data: {_list(missing)}. In no group.")
    return tuple(notes)


def _text(value: object) -> str:
    # A table editor gives NaN for an empty cell.
    return "" if value is None or value != value else str(value).strip()


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def metadata_from_names(judges: Sequence[str], pattern: str) -> Metadata:
    """Metadata from judges' names that are made of parts.

    Args:
        judges: their names.
        pattern: names of columns with what stands between the parts, such as "llm/prompt"; the last part takes what is left.

    Raises:
        InputError: the pattern has no separator, a column comes twice, or no judge's name has these parts.
    """
    columns = re.findall(r"[^\W_]+", pattern)
    separators = re.findall(r"[\W_]+", pattern)
    if len(columns) < 2 or len(separators) != len(columns) - 1 or len(set(columns)) < len(columns):
        raise InputError(
            f"{pattern!r} does not say what the parts of judges' names are.",
            accepted="different words with the separator between them, such as llm/prompt",
        )
    expression = re.compile("".join(f"(.+?){re.escape(separator)}" for separator in separators) + "(.+)", re.DOTALL)
    parts = {judge: found.groups() for judge in judges if (found := expression.fullmatch(judge))}
    if not parts:
        raise InputError(
            f"No judge's name is made as {pattern!r} says.", where=_list(judges), remedy="give the separator that the names have"
        )
    others = [judge for judge in judges if judge not in parts]
    note = f"{count(len(others), 'judge')} without the parts {pattern}: {_list(others)}. In no group."
    values = {column: {judge: parts[judge][place] for judge in parts} for place, column in enumerate(columns)}
    return Metadata(tuple(judges), values, (note,) if others else ())
