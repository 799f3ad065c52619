"""Queries to be answered: one a line, a column of a table, or those of a dataset."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, FileError
from dissection.tables import read_table
from dissection.wording import count

COLUMN: Final = "query"
MAX_QUERIES: Final = 100_000
# What else Python takes for the end of a line can stand inside a query.
_ENDS: Final = re.compile(r"\r\n|\n|\r")


class Queries(NamedTuple):
    """Different queries, in the order of their first appearance, and what was left out."""

    texts: tuple[str, ...]
    notes: tuple[str, ...]


def read_queries(content: bytes | Path, filename: str) -> Queries:
    """The queries of a file: the column `query` of a table (CSV, TSV, JSON, JSON Lines, Parquet), or, of any .txt, a query a line.

    Args:
        content: the file's bytes, or its path.
        filename: the name under which it came.

    Raises:
        FileError: it can't be read.
        DatasetError: it has no queries, or no column of them.
    """
    if filename.lower().endswith(".txt"):
        return from_lines(_text(content, filename), filename)
    table = read_table(content, filename)
    if table.kind == "lines":
        return _distinct((str(value) for value in table.values), filename)
    if COLUMN not in table.columns:
        raise DatasetError(
            f"There is no column {COLUMN!r}.",
            where=f"{filename}: {', '.join(table.columns[:10])}",
            accepted="a table with a column `query`, or a .txt with a query a line",
            remedy="rename the column that has the queries",
        )
    cells = [row.get(COLUMN) for row in table.rows]
    wrong = next((place for place, cell in enumerate(cells) if cell is not None and not isinstance(cell, str)), None)
    if wrong is not None:
        raise DatasetError("A query is not a text.", where=table.place(wrong), accepted="texts", remedy="correct that row")
    return _distinct((str(cell or "") for cell in cells), filename)


def from_lines(text: str, name: str) -> Queries:
    """A query a line.

    Raises:
        DatasetError: there is none.
    """
    return _distinct(_ENDS.split(text.removesuffix("\n")), name)


def queries_of(dataset: PairDataset) -> Queries:
    """The queries of a dataset's pairs.

    Raises:
        DatasetError: the pairs have none.
    """
    return _distinct((query or "" for query in dataset.texts(COLUMN)), dataset.name)


def _text(content: bytes | Path, filename: str) -> str:
    try:
        return (content.read_bytes() if isinstance(content, Path) else content).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError("The text is not valid UTF-8.", where=filename, accepted="UTF-8", remedy="save it as UTF-8") from None


def _distinct(texts: Iterable[str], name: str) -> Queries:
    stripped = [text.strip() for text in texts]
    blank = sum(not text for text in stripped)
    found = tuple(dict.fromkeys(text for text in stripped if text))
    if not found:
        raise DatasetError("There are no queries.", where=name, accepted="at least one text", remedy="give some queries")
    if len(found) > MAX_QUERIES:
        raise DatasetError(
            f"There are {len(found):,} queries.", where=name, accepted=f"at most {MAX_QUERIES:,}", remedy="take a part of them"
        )
    twice = len(stripped) - blank - len(found)
    notes = [f"{count(blank, 'empty query', 'empty queries')} left out"] if blank else []
    notes += [f"{count(twice, 'query', 'queries')} left out, as the same was there before"] if twice else []
    return Queries(found, tuple(notes))
