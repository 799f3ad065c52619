"""JSON Lines that are too large to hold: rows are parsed when they are needed, and checked the first time. See `dissection.tables`."""

import json
from array import array
from typing import Any, Final

from dissection.errors import FileError
from dissection.spool import BLOCK_ROWS, Blocks, Content
from dissection.tables_json import broken_json, load_json
from dissection.tables_text import MAX_CELLS, MAX_COLUMNS, most_rows, too_many, too_many_rows

_BLOCK_BYTES: Final = 8_000_000


def is_json_lines(content: Content, start: int) -> bool:
    """Whether the first line that holds something is one whole JSON object, or too large to be one that can be read."""
    while start < len(content):
        end = _line_end(content, start)
        line = content[start:end].strip()
        if line:
            try:
                return line.startswith(b"{") and (_values(line) > MAX_CELLS or isinstance(json.loads(line), dict))
            except (ValueError, RecursionError):
                return False
        start = end
    return False


class Lines(Blocks):
    """The rows of UTF-8 text with one JSON object a line; where its lines are is found at once, what is in them when a block is loaded.

    Blocks are checked in the order of the file, so the error is always that of its first wrong line, whichever row was asked for.

    Attributes:
        numbers: for each row its line, counted from 1; empty lines are no rows.

    Raises:
        FileError: there are too many rows; and later, of a row, a slice or an iteration: a line is no JSON object, or there are too many
            columns or values. The message names the line.
    """

    def __init__(self, content: Content, start: int, filename: str) -> None:
        """From `start`, behind a byte order mark, on."""
        self.numbers = array("q")
        self._content = content
        self._filename = filename
        self._bounds = array("q")
        self._firsts = [0]
        self._checked = 0
        self._cells = 0
        self._find(start)
        super().__init__(self._firsts, len(self.numbers), self._rows)

    def _find(self, start: int) -> None:
        number, block_bytes, most = 0, 0, most_rows()
        while start < len(self._content):
            end = _line_end(self._content, start)
            number += 1
            if not self._content[start:end].isspace():
                rows = len(self.numbers)
                if rows == most:
                    raise too_many_rows(self._where(number))
                if rows - self._firsts[-1] >= BLOCK_ROWS or block_bytes > _BLOCK_BYTES:
                    self._firsts.append(rows)
                    block_bytes = 0
                block_bytes += end - start
                self._bounds.extend((start, end))
                self.numbers.append(number)
            start = end

    def _where(self, number: int) -> str:
        return f"{self._filename}, line {number}"

    def _rows(self, block: int) -> list[Any]:
        if block < self._checked:
            found: list[Any] = json.loads(b"[%b]" % b",".join(self._raw(row) for row in self._places(block)))
            return found
        while self._checked <= block:
            found = self._check(self._checked)
        return found

    def _places(self, block: int) -> range:
        return range(self._firsts[block], self._firsts[block + 1] if block + 1 < len(self._firsts) else len(self.numbers))

    def _raw(self, row: int) -> bytes:
        return self._content[self._bounds[2 * row] : self._bounds[2 * row + 1]]

    def _check(self, block: int) -> list[dict[str, object]]:
        found, cells = [], self._cells
        for row in self._places(block):
            where = self._where(self.numbers[row])
            found.append(_row(self._raw(row), where))
            cells += len(found[-1])
            for what, count, limit in (("columns", len(found[-1]), MAX_COLUMNS), ("cells", cells, MAX_CELLS)):
                if count > limit:
                    raise too_many(what, count, limit, where)
        self._checked, self._cells = block + 1, cells
        return found


def _line_end(content: Content, start: int) -> int:
    found = content.find(b"\n", start)
    return len(content) if found < 0 else found + 1


def _values(raw: bytes) -> int:
    """At least as many as there are values in a JSON text: every one but the first follows a comma, a bracket or a brace."""
    return 0 if len(raw) <= MAX_CELLS else raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _row(raw: bytes, where: str) -> dict[str, object]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise FileError(
            f"The text is not valid UTF-8: byte {error.start:,} of the line is 0x{raw[error.start]:02x}.",
            where=where,
            accepted="UTF-8",
            remedy="save the file as UTF-8",
        ) from error
    values = _values(raw)
    if values > MAX_CELLS:
        raise too_many("values", values, MAX_CELLS, where)
    try:
        row = load_json(text, where)
    except json.JSONDecodeError as error:
        raise broken_json(error, f"{where}, column {error.colno}") from error
    if not isinstance(row, dict):
        raise FileError("The line is no object.", where=where, accepted="one JSON object a line", remedy="give every row its columns")
    return row
