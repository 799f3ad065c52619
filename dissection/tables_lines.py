"""JSON Lines that are too large to hold: each line is checked once and read again when it is needed. See `dissection.tables`."""

import json
from array import array
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from dissection.errors import FileError
from dissection.spool import BLOCK_ROWS, Blocks, Content
from dissection.tables_json import broken_json, load_json
from dissection.tables_text import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, too_many

_BLOCK_BYTES: Final = 8_000_000


class Lines(NamedTuple):
    """Rows that were checked, with the number of the line of each, and every column in the order of first appearance."""

    values: Blocks
    numbers: Sequence[int]
    columns: tuple[str, ...]


def is_json_lines(content: Content, start: int) -> bool:
    """Whether the first line that holds something is one whole JSON object."""
    while start < len(content):
        end = _line_end(content, start)
        line = content[start:end].strip()
        if line:
            try:
                return line.startswith(b"{") and isinstance(json.loads(line), dict)
            except (ValueError, RecursionError):
                return False
        start = end
    return False


def read_lines(content: Content, start: int, filename: str) -> Lines:
    """One row a line of UTF-8 text.

    Args:
        content: bytes, or a mapped file.
        start: where the text begins, behind a byte order mark.
        filename: for messages.

    Raises:
        FileError: a line is no JSON object, or there are too many rows, columns or values; the message names the line.
    """
    bounds, numbers, blocks = array("q"), array("q"), [0]
    columns: dict[str, None] = {}
    cells = number = block_bytes = 0
    while start < len(content):
        end = _line_end(content, start)
        number += 1
        raw = content[start:end]
        if raw.strip():
            row = _row(raw, f"{filename}, line {number}")
            columns.update(dict.fromkeys(row))
            cells += len(row)
            for what, found, limit in (
                ("rows", len(numbers) + 1, MAX_ROWS),
                ("columns", len(columns), MAX_COLUMNS),
                ("cells", cells, MAX_CELLS),
            ):
                if found > limit:
                    raise too_many(what, found, limit, f"{filename}, line {number}")
            if len(numbers) - blocks[-1] >= BLOCK_ROWS or block_bytes > _BLOCK_BYTES:
                blocks.append(len(numbers))
                block_bytes = 0
            block_bytes += len(raw)
            bounds.extend((start, end))
            numbers.append(number)
        start = end

    def load(block: int) -> list[Any]:
        last = blocks[block + 1] if block + 1 < len(blocks) else len(numbers)
        return [json.loads(content[bounds[2 * i] : bounds[2 * i + 1]]) for i in range(blocks[block], last)]

    return Lines(Blocks(blocks, len(numbers), load), numbers, tuple(columns))


def _line_end(content: Content, start: int) -> int:
    found = content.find(b"\n", start)
    return len(content) if found < 0 else found + 1


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
    values = text.count(",") + text.count("[") + text.count("{")
    if values > MAX_CELLS:
        raise too_many("values", values, MAX_CELLS, where)
    try:
        row = load_json(text, where)
    except json.JSONDecodeError as error:
        raise broken_json(error, f"{where}, column {error.colno}") from error
    if not isinstance(row, dict):
        raise FileError("The line is no object.", where=where, accepted="one JSON object a line", remedy="give every row its columns")
    return row
