"""Rows from the bytes of an uploaded file: CSV, TSV, JSON, JSON Lines, Parquet, and these packed (`packed.py`).

The kind is found by content, not by name. Nothing is converted: a CSV cell is the text that stands there ("None", "007"), a JSON or
Parquet value is the value itself. What a file can cost is bounded before it is spent.
"""

import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from dissection.errors import FileError
from dissection.packed import unpack
from dissection.tables_text import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, Kind, check_columns, parse_text, too_many
from dissection.verdicts import shown

MAX_BYTES: Final = 200_000_000
MAX_PARQUET_BYTES: Final = 1_000_000_000
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
        values: in the order of the file.
        numbers: for each value its number for people, counted from 1: the line where text has lines, else the item or row.
    """

    filename: str
    kind: Kind
    values: Sequence[object]
    numbers: Sequence[int]

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
    def rows(self) -> list[dict[str, object]]:
        """The values as rows: column → cell. Rows of JSON need not have the same columns.

        Raises:
            FileError: a value is not an object, or has more than 5,000 columns.
        """
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
            FileError: as for `rows`, or all rows together have more than 5,000 columns.
        """
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
            says where, what is accepted and what to do.
    """
    content = unpack(_read(data, filename, max_bytes), filename, max_bytes)
    if not content:
        raise _empty(filename)
    if content[:4] == b"PAR1":
        values = _parquet(content, filename)
        return Table(filename, "parquet", values, range(1, len(values) + 1))
    _check_not_binary(content, filename)
    text = _decode(content, filename)
    if not text.strip():
        raise _empty(filename)
    return Table(filename, *parse_text(text, filename))


def _empty(filename: str) -> FileError:
    return FileError("The file is empty.", where=filename, accepted=ACCEPTED_FILES, remedy="check that it was saved, and choose it again")


def _read(data: bytes | Path, filename: str, max_bytes: int) -> bytes:
    try:
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        if size > max_bytes:
            raise FileError(
                f"The file has {size / 1e6:,.0f} MB.",
                where=filename,
                accepted=f"at most {max_bytes / 1e6:,.0f} MB",
                remedy="leave out columns that are not needed, or split the file",
            )
        return data.read_bytes() if isinstance(data, Path) else bytes(data)
    except (OSError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"The file can't be opened: {reason}.", where=filename, accepted=ACCEPTED_FILES, remedy="check its path") from error


def _check_not_binary(content: bytes, filename: str) -> None:
    for magic, (what, remedy) in _MAGIC.items():
        if content.startswith(magic):
            raise FileError(f"This is {what}, whatever its name says.", where=filename, accepted=ACCEPTED_FILES, remedy=remedy)
    if content[:200].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise FileError(
            "This is a web page, not a table.",
            where=filename,
            accepted=ACCEPTED_FILES,
            remedy="download the file itself, not the page about it",
        )
    if any(content.startswith(mark) for mark, encoding in _MARKS if encoding != "utf-8-sig"):
        return
    head = content[:65_536]
    controls = len(head) - len(head.translate(None, _CONTROL))
    if b"\x00" in content or controls > 0.01 * len(head):
        what = f"a NUL byte at byte {content.index(0):,}" if b"\x00" in content else f"{controls} control characters near its start"
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


def _parquet(content: bytes, filename: str) -> list[object]:
    try:
        pa = importlib.import_module("pyarrow")  # heavy, and needed for Parquet alone
        pq = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise FileError("Reading Parquet needs pyarrow.", where=filename, remedy="pip install pyarrow, or upload CSV") from error
    broken = (pa.ArrowException, OSError, ValueError, OverflowError, TypeError, KeyError, NotImplementedError, MemoryError)
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        names = list(file.schema_arrow.names)
        check_columns(names, f"{filename}, schema")
        _check_parquet_size(file.metadata, filename)
        values: list[object] = []
        size = 0
        # In small batches, as a page of repeated long texts is far larger once it is decoded.
        for batch in file.iter_batches(batch_size=1024):
            size += batch.nbytes
            if size > MAX_PARQUET_BYTES:
                raise too_many("bytes once decoded", size, MAX_PARQUET_BYTES, filename)
            values.extend(batch.to_pylist())
    except FileError:
        raise
    except broken as error:
        raise FileError(
            f"The Parquet file is broken: {' '.join(str(error).split())[:200]}.",
            where=filename,
            accepted="a whole Parquet file",
            remedy="write it again, or upload CSV",
        ) from error
    if not values:
        raise FileError("The Parquet file has no rows.", where=filename, accepted="at least one row", remedy="check that it was saved")
    return values


def _check_parquet_size(metadata: object, filename: str) -> None:
    rows, columns = int(getattr(metadata, "num_rows", 0)), int(getattr(metadata, "num_columns", 0))
    groups = range(int(getattr(metadata, "num_row_groups", 0)))
    size = sum(metadata.row_group(i).total_byte_size for i in groups)  # type: ignore[attr-defined]
    for what, found, limit in (
        ("rows", rows, MAX_ROWS),
        ("columns", columns, MAX_COLUMNS),
        ("cells", rows * columns, MAX_CELLS),
        ("bytes once unpacked", size, MAX_PARQUET_BYTES),
    ):
        if found > limit:
            raise too_many(what, found, limit, filename)
