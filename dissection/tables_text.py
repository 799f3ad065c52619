"""Text of an uploaded file into values: delimited, JSON, JSON Lines, or one value a line. See `dissection.tables`."""

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Final, Literal, NamedTuple

from dissection.errors import FileError
from dissection.tables_json import broken_json, load_json
from dissection.verdicts import shown

Kind = Literal["delimited", "lines", "json list", "json object", "json lines", "parquet"]

MAX_COLUMNS: Final = 5_000
MAX_ROWS: Final = 1_000_000
MAX_CELLS: Final = 20_000_000
MAX_CELL_LENGTH: Final = 10_000_000
MAX_HEADER_LENGTH: Final = 1_000_000
# Text in quotes may hold delimiters of its own; a row with more than this many is refused before it is split.
MAX_DELIMITERS: Final = 200_000

_ROWS: Final = ContextVar("most rows", default=MAX_ROWS)
_DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_SNIFFED_ROWS: Final = 50
_LINE: Final = re.compile(r"[^\r\n]+")


class Parsed(NamedTuple):
    """The kind of a text, its values, and for each value its line (its item in one JSON value), counted from 1."""

    kind: Kind
    values: Sequence[object]
    numbers: Sequence[int]


def parse_text(text: str, filename: str) -> Parsed:
    """The values of a text of unknown kind.

    Raises:
        FileError: the text is of a known kind and broken, or too large; the message names the line.
    """
    start = text.lstrip()[:1]
    first_line = text.lstrip().partition("\n")[0].strip() if start in "[{" else ""
    # [[A]], [[B]] and [[C]] are verdicts of some prompts, not JSON.
    if start in "[{" and not re.match(r"\[\[[A-Za-z]\]\]", first_line):
        return _parse_json(text, first_line, filename)
    return _parse_delimited(text, filename)


def too_many(what: str, found: int, limit: int, where: str) -> FileError:
    """The error for a file that is larger than what a dashboard should hold."""
    return FileError(
        f"There are {found:,} {what}.",
        where=where,
        accepted=f"at most {limit:,} {what}",
        remedy="leave out what is not needed, or check that the file is not transposed",
    )


@contextlib.contextmanager
def at_most(rows: int) -> Iterator[None]:
    """Let no file that is read within have more rows than this, or than MAX_ROWS where that is less; in this thread."""
    before = _ROWS.set(rows)
    try:
        yield
    finally:
        _ROWS.reset(before)


def most_rows() -> int:
    """How many rows a file may have here."""
    return min(_ROWS.get(), MAX_ROWS)


def too_many_rows(where: str, found: int = 0, what: str = "rows") -> FileError:
    """The error for more than `most_rows`; `found`: how many there are, where that is known."""
    limit = most_rows()
    if limit == MAX_ROWS:
        return too_many(what, found or limit + 1, limit, where)
    return FileError(
        f"There are {f'{found:,}' if found else f'more than {limit:,}'} {what}.",
        where=where,
        accepted=f"at most {limit:,} {what} from visitors of this server",
        remedy="bring a part of them, or run the app on your own machine",
    )


def check_columns(names: Sequence[str], where: str) -> None:
    """Refuses too many columns and names that come twice (columns without a name may).

    Raises:
        FileError: names the first duplicate.
    """
    if len(names) > MAX_COLUMNS:
        raise too_many("columns", len(names), MAX_COLUMNS, where)
    seen: set[str] = set()
    for position, name in enumerate(names, 1):
        if name and name in seen:
            raise FileError(
                f"The column {shown(name)} comes twice.",
                where=f"{where}, column {position}",
                accepted="each column name once",
                remedy="rename or remove one of them",
            )
        seen.add(name)


# --- JSON -------------------------------------------------------------------------------------------------------------------------


def _parse_json(text: str, first_line: str, filename: str) -> Parsed:
    # Every value but the first of its list or object follows a comma, a bracket or a brace: a cheap bound before anything is built.
    values = text.count(",") + text.count("[") + text.count("{")
    if values > MAX_CELLS:
        raise too_many("values", values, MAX_CELLS, filename)
    try:
        found = load_json(text, filename)
    except json.JSONDecodeError as error:
        # A second value behind the first, or a first line that is whole in itself, is how JSON Lines begin.
        if error.msg == "Extra data" or _is_json(first_line, filename):
            return _parse_json_lines(text, filename)
        raise broken_json(error, f"{filename}, line {error.lineno}, column {error.colno}") from error
    if isinstance(found, list):
        if len(found) > most_rows():
            raise too_many_rows(filename, len(found), "items")
        return Parsed("json list", found, range(1, len(found) + 1))
    return Parsed("json object", [found], [1])


def _parse_json_lines(text: str, filename: str) -> Parsed:
    values: list[object] = []
    numbers: list[int] = []
    most = most_rows()
    # Only real line ends: str.splitlines would also break at U+2028, which may stand inside a JSON string.
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        if len(values) == most:
            raise too_many_rows(f"{filename}, line {number}")
        try:
            values.append(load_json(line, f"{filename}, line {number}"))
        except json.JSONDecodeError as error:
            raise broken_json(error, f"{filename}, line {number}, column {error.colno}") from error
        numbers.append(number)
    return Parsed("json lines", values, numbers)


def _is_json(line: str, filename: str) -> bool:
    try:
        load_json(line, filename)
    except json.JSONDecodeError:
        return False
    return True


# --- Delimited text ---------------------------------------------------------------------------------------------------------------


class _Lines:
    """The lines of a text, for the csv module, with a bound on how many cells one record can grow to."""

    def __init__(self, text: str, delimiter: str, filename: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self._delimiter = delimiter
        self._filename = filename
        self.pending = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            self.pending += line.count(self._delimiter)
            if self.pending > MAX_DELIMITERS:
                raise too_many("columns", self.pending + 1, MAX_COLUMNS, f"{self._filename}, line {self.number}")
            yield line


def _parse_delimited(text: str, filename: str) -> Parsed:
    # The limit of the csv module belongs to the whole process; every caller sets the same one.
    csv.field_size_limit(MAX_CELL_LENGTH)
    delimiter = _sniff(text, filename)
    if delimiter is None:
        return _parse_lines(text, filename)
    records = _records(text, delimiter, filename)
    line, header = next((line, record) for line, record in records if record)
    columns = [name.strip() for name in header]
    check_columns(columns, f"{filename}, line {line}")
    values: list[object] = []
    numbers: list[int] = []
    most = most_rows()
    for line, record in records:
        if not record:
            continue  # an empty line between or behind the rows
        if len(record) != len(columns):
            raise FileError(
                f"The row has {len(record)} cells, but there are {len(columns)} columns.",
                where=f"{filename}, line {line} (row {len(values) + 1})",
                accepted=f"{len(columns)} cells, separated by {_DELIMITERS[delimiter]}s",
                remedy="mend the row; put a text that holds the separator in quotes",
            )
        values.append(dict(zip(columns, record, strict=True)))
        numbers.append(line)
        if len(values) > most:
            raise too_many_rows(f"{filename}, up to line {line}")
        if len(values) * len(columns) > MAX_CELLS:
            raise too_many("cells", len(values) * len(columns), MAX_CELLS, f"{filename}, up to line {line}")
    if not values:
        raise FileError(
            "The file has a header and no rows.", where=filename, accepted="at least one row", remedy="check that the whole file was saved"
        )
    return Parsed("delimited", values, numbers)


def _records(text: str, delimiter: str, filename: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on."""
    lines = _Lines(text, delimiter, filename)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 1
    try:
        for record in reader:
            yield start, record
            start, lines.pending = lines.number + 1, 0
    except csv.Error as error:
        if "field limit" in str(error):
            raise FileError(
                f"A cell has more than {MAX_CELL_LENGTH:,} characters.",
                where=f"{filename}, the row from line {start} on",
                accepted=f"at most {MAX_CELL_LENGTH:,} characters a cell",
                remedy="close the quote where the cell should end, or shorten the text",
            ) from error
        raise FileError(
            f"The row can't be split into cells: {error}.",
            where=f"{filename}, line {start}",
            accepted='text in double quotes, a quote inside it doubled: "say ""yes"""',
            remedy="close the quote, or write the file again with a CSV library",
        ) from error


def _sniff(text: str, filename: str) -> str | None:
    """The delimiter of the header: the one that splits the first rows evenly, and then the one that gives most columns."""
    first = _LINE.search(text)
    header = first.group() if first else ""
    if len(header) > MAX_HEADER_LENGTH:
        most = max(header.count(delimiter) for delimiter in _DELIMITERS)
        if most > MAX_COLUMNS:
            raise too_many("columns", most + 1, MAX_COLUMNS, f"{filename}, line 1")
        raise too_many("characters in the first line", len(header), MAX_HEADER_LENGTH, f"{filename}, line 1")
    ranked = []
    for delimiter in _DELIMITERS:
        if delimiter not in header:
            continue
        widths = _widths(text, delimiter, filename)
        if widths[0] > MAX_COLUMNS:
            raise too_many("columns", widths[0], MAX_COLUMNS, f"{filename}, line 1")
        if widths[0] > 1:
            ranked.append((len(set(widths)) == 1, widths[0], delimiter))
    return max(ranked)[2] if ranked else None


def _widths(text: str, delimiter: str, filename: str) -> list[int]:
    widths: list[int] = []
    try:
        for _, record in _records(text, delimiter, filename):
            if record:
                widths.append(len(record))
            if len(widths) == _SNIFFED_ROWS:
                break
    except FileError:
        # The wrong delimiter may well fail; where the right one fails too, the full reading says why.
        return [*(widths or [2]), -1]
    return widths


def _parse_lines(text: str, filename: str) -> Parsed:
    # One line end closes the last line. Other empty lines stay, since a list in dataset order may have an empty label.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    count = lines.count("\n") + 1
    if count > most_rows():
        raise too_many_rows(filename, count, "lines")
    values = [line.strip() for line in lines.split("\n")]
    return Parsed("lines", [v[1:-1] if len(v) > 1 and v[0] == v[-1] == '"' else v for v in values], range(1, count + 1))
