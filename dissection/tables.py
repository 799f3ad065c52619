"""Rows from the bytes of an uploaded file: CSV, TSV, JSON, JSON Lines, Parquet, and these packed (`packed.py`).

The kind is found by content, not by name. Nothing is converted: a CSV cell is the text that stands there ("None", "007"), a JSON or
Parquet value is the value itself. What a file can cost is bounded before it is spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from dissection import spool
from dissection.errors import FileError
from dissection.packed import unpack
from dissection.spool import Blocks, Content, mapped
from dissection.tables_lines import Lines, is_json_lines
from dissection.tables_parquet import MAX_PARQUET_BYTES, joined_parquet, read_parquet, rows_of
from dissection.tables_text import MAX_COLUMNS, Kind, parse_text, too_many
from dissection.verdicts import shown

MAX_BYTES: Final = 200_000_000
ACCEPTED_FILES: Final = "CSV, TSV, JSON, JSON Lines or Parquet, plain or packed as .gz, .zst or .zip"

_MAGIC: Final = {
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save the sheet as CSV"),
    b"%PDF": ("a PDF document", "export the table as CSV"),
    b"\x89PNG": ("a PNG image", "upload the table itself"),
    b"\xff\xd8\xff": ("a JPEG image", "upload the table itself"),
    b"ARROW1": ("an Arrow or Feather file", "save it as Parquet"),
    b"SQLite format 3": ("an SQLite database", "export the table as CSV"),
    b"\x89HDF": ("an HDF5 file", "save the table as Parquet or CSV"),
    b"\xfd7zXZ": ("an xz archive", "unpack it, or pack it with gzip"),
    b"BZh": ("a bzip2 archive", "unpack it, or pack it with gzip"),
}
# The byte order marks with their encodings; UTF-32's first, as it begins with that of UTF-16.
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))


@dataclass(frozen=True, eq=False)
class Table:
    """The content of a file.

    Attributes:
        filename: the name under which it came, for messages.
        kind: "delimited", "parquet" (values are dicts), "json list", "json lines" (any JSON values), "json object" (one value, the
            object), or "lines" (text without a delimiter, one string a line).
        values: in the order of the file. Those of Parquet and of large JSON Lines are `Blocks`: rows that are read from the file when they
            are needed, and checked then.
        numbers: for each value its number for people, counted from 1: the line where text has lines, else the item or row.
        known_columns: the names of all columns, where they are known without a look at every row.
        arrow: the same rows as a `pyarrow.Table`, for Parquet.
    """

    filename: str
    kind: Kind
    values: Sequence[object]
    numbers: Sequence[int]
    known_columns: tuple[str, ...] | None = None
    arrow: Any = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def unit(self) -> str:
        """What `numbers` count: "line", "item" or "row"."""
        return {"parquet": "row", "json list": "item", "json object": "item"}.get(self.kind, "line")

    def place(self, index: int) -> str:
        """Where a value stands, as in "labels.csv, line 12"."""
        return f"{self.filename}, {self.unit} {self.numbers[index]}"

    @cached_property
    def rows(self) -> Sequence[dict[str, object]]:
        """The values as rows: column → cell. Rows of JSON need not have the same columns.

        Raises:
            FileError: a value is not an object, or has more than 5,000 columns; in a large file only once that row is read.
        """
        if isinstance(self.values, Blocks):
            return self.values
        for index, value in enumerate(self.values):
            if not isinstance(value, dict):
                raise FileError(
                    f"A row is {shown(value)}.", where=self.place(index), accepted="one object a row", remedy="give every row its columns"
                )
            if len(value) > MAX_COLUMNS:
                raise too_many("columns", len(value), MAX_COLUMNS, self.place(index))
        return [value for value in self.values if isinstance(value, dict)]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in the order of their first appearance.

        Raises:
            FileError: a row is wrong, as for `rows`, or all together have more than 5,000 columns.
        """
        if self.known_columns is not None:
            return self.known_columns
        names: dict[str, None] = {}
        for index, row in enumerate(self.rows):
            names.update(dict.fromkeys(row))
            if len(names) > MAX_COLUMNS:
                raise too_many("columns", len(names), MAX_COLUMNS, self.place(index))
        return tuple(names)


def read_table(data: bytes | Path, filename: str, max_bytes: int = MAX_BYTES) -> Table:
    """The rows of an uploaded file.

    Args:
        data: the file's bytes, or its path.
        filename: for messages; the kind of the file is found by its content.
        max_bytes: how large the file may be, also once unpacked.

    Raises:
        FileError: the file is missing, empty, too large, binary, broken, ragged, or has too many columns, rows or values. The message
            says where, what is accepted and what to do. Of large JSON Lines each row says so when it is first read.
    """
    content = unpack(_read(data, filename, max_bytes), filename, max_bytes, to_disk=isinstance(data, Path))
    if not content:
        raise _empty(filename)
    if content[:4] == b"PAR1":
        arrow = read_parquet(content, filename, max(MAX_PARQUET_BYTES, 2 * max_bytes))
        return Table(filename, "parquet", rows_of(arrow, filename), range(1, len(arrow) + 1), tuple(arrow.column_names), arrow)
    _check_not_binary(content, filename)
    start = 3 if content[:3] == b"\xef\xbb\xbf" else 0
    if len(content) > spool.SPILL_BYTES and is_json_lines(content, start):
        lines = Lines(content, start, filename)
        return Table(filename, "json lines", lines, lines.numbers)
    if len(content) > MAX_BYTES:
        raise _too_large(len(content), MAX_BYTES, filename, "as JSON Lines or Parquet, which need not be held in memory")
    text = _decode(content[:], filename)
    if not text.strip():
        raise _empty(filename)
    return Table(filename, *parse_text(text, filename))


def joined(tables: Sequence[Table], filename: str) -> Table:
    """The rows of several files of one kind as one table, in the order of the files and counted over all of them.

    Raises:
        FileError: a value is not a row, or the columns of Parquet files are of different kinds.
    """
    columns = tuple(dict.fromkeys(column for table in tables for column in table.columns))
    if all(table.arrow is not None for table in tables):
        arrow = joined_parquet([table.arrow for table in tables], filename)
        return Table(filename, "parquet", rows_of(arrow, filename), range(1, len(arrow) + 1), columns, arrow)
    starts = [0, *accumulate(len(table) for table in tables)]
    values = Blocks(starts[:-1], starts[-1], lambda place: tables[place].rows)
    return Table(filename, tables[0].kind, values, range(1, starts[-1] + 1), columns)


def _empty(filename: str) -> FileError:
    return FileError("The file is empty.", where=filename, accepted=ACCEPTED_FILES, remedy="check that it was saved, and choose it again")


def _too_large(size: int, limit: int, filename: str, remedy: str) -> FileError:
    return FileError(f"The file has {size / 1e6:,.0f} MB.", where=filename, accepted=f"at most {limit / 1e6:,.0f} MB", remedy=remedy)


def _read(data: bytes | Path, filename: str, max_bytes: int) -> Content:
    """The bytes as they are, or the file, mapped."""
    try:
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        if size > max_bytes:
            raise _too_large(size, max_bytes, filename, "leave out columns that are not needed, or split the file")
        if not isinstance(data, Path):
            return data
        with data.open("rb") as file:
            return mapped(file)
    except (OSError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"The file can't be opened: {reason}.", where=filename, accepted=ACCEPTED_FILES, remedy="check its path") from error


def _check_not_binary(content: Content, filename: str) -> None:
    head = content[:65_536]
    for magic, (what, remedy) in _MAGIC.items():
        if head.startswith(magic):
            raise FileError(f"This is {what}, whatever its name says.", where=filename, accepted=ACCEPTED_FILES, remedy=remedy)
    if head[:200].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise FileError(
            "This is a web page, not a table.",
            where=filename,
            accepted=ACCEPTED_FILES,
            remedy="download the file itself, not the page about it",
        )
    if any(head.startswith(mark) for mark, encoding in _MARKS if encoding != "utf-8-sig"):
        return
    controls = len(head) - len(head.translate(None, _CONTROL))
    nul = content.find(b"\x00")
    if nul >= 0 or controls > 0.01 * len(head):
        what = f"a NUL byte at byte {nul:,}" if nul >= 0 else f"{controls} control characters near its start"
        raise FileError(
            f"The file is binary: it has {what}.",
            where=filename,
            accepted=ACCEPTED_FILES,
            remedy="export it as UTF-8 text or as Parquet",
        )


def _decode(content: bytes, filename: str) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        # "utf-8-sig" counts from behind the three bytes of the mark.
        start = error.start + (3 if encoding == "utf-8-sig" else 0)
        line = content.count(b"\n", 0, start) + 1
        raise FileError(
            f"The text is not valid {encoding.removesuffix('-sig').upper()}: byte {start:,} is 0x{content[start]:02x}.",
            where=f"{filename}, line {line}",
            accepted="UTF-8, or UTF-16 with a byte order mark",
            remedy="save the file as UTF-8",
        ) from error
