"""Rows and texts that may be larger than memory: in memory while they are few, else in a file that nobody but this process sees.

The file is mapped into memory, not read: the system holds the parts that were looked at last and drops them when it needs room. It has no
name any more once it is open, so it is gone with the last use of it, also after a crash.
"""

import contextlib
import mmap
import os
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Final, overload

import pandas as pd

from dissection.errors import FileError

SPILL_BYTES: Final = 64_000_000
BLOCK_ROWS: Final = 1_024
_HELD_BLOCKS = 2
_BUFFERED = 4_000_000

Content = bytes | mmap.mmap


def private_file() -> IO[bytes]:
    """A temporary file without a name, for writing and reading."""
    return tempfile.TemporaryFile(prefix="dissection-")


def mapped(file: IO[bytes]) -> Content:
    """The content of a file, mapped into memory; it stays readable after the file is closed."""
    size = file.seek(0, os.SEEK_END)
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""


@contextlib.contextmanager
def disk_in_words() -> Iterator[None]:
    """What the disk of temporary files refuses, in words; other errors as they are.

    Raises:
        FileError: it is full, or can't be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not the system's, as that of a broken packing
            raise
        raise FileError(
            f"The data are too large for memory, and the disk takes no more: {os.strerror(error.errno).lower()}.",
            where="the folder for temporary files of the machine that the app runs on",
            accepted="fewer pairs or shorter texts",
            remedy="try again later; the owner of the machine makes room, or names a folder with room in TMPDIR",
        ) from error


class Blocks(Sequence[Any]):
    """A sequence that lies elsewhere and is loaded block by block; the last few blocks are held.

    Args:
        starts: the place of the first item of each block, ascending from 0.
        count: of all items.
        load: the number of a block → its items.
    """

    def __init__(self, starts: Sequence[int], count: int, load: Callable[[int], Sequence[Any]]) -> None:
        self._starts = starts
        self._count = count
        self._load = load
        self._held: dict[int, Sequence[Any]] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(index)
        number = bisect_right(self._starts, place) - 1
        return self._block(number)[place - self._starts[number]]

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self._starts)):
            yield from self._block(number)

    def _block(self, number: int) -> Sequence[Any]:
        held = self._held.get(number)
        if held is None:
            held = self._load(number)
            # Visitors share a dataset; a block that another thread dropped meanwhile is no loss.
            self._held = dict([*self._held.items(), (number, held)][-_HELD_BLOCKS:])
        return held


class Spool:
    """Arrow record batches of one schema, written down once they are more than `SPILL_BYTES`."""

    def __init__(self, schema: Any) -> None:
        self.bytes = 0
        self._schema = schema
        self._batches: list[Any] = []
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def add(self, batch: Any) -> None:
        """One `pyarrow.RecordBatch` more.

        Raises:
            FileError: the disk takes no more.
        """
        self.bytes += batch.nbytes
        with disk_in_words():
            self._add(batch)

    def _add(self, batch: Any) -> None:
        if self._writer is None and self.bytes > SPILL_BYTES:
            import pyarrow as pa

            self._file = private_file()
            self._writer = pa.ipc.new_file(self._file, self._schema)
            for held in self._batches:
                self._writer.write_batch(held)
            self._batches = []
        if self._writer is None:
            self._batches.append(batch)
        else:
            self._writer.write_batch(batch)

    @property
    def on_disk(self) -> bool:
        """Whether the batches were written down."""
        return self._file is not None

    def table(self) -> Any:
        """All batches as one `pyarrow.Table`; where they are on disk, its columns are views of the mapped file.

        Raises:
            FileError: the disk takes no more.
        """
        import pyarrow as pa

        if self._file is None:
            return pa.Table.from_batches(self._batches, self._schema)
        pa.default_memory_pool().release_unused()
        with disk_in_words(), self._file:
            self._writer.close()
            self._file.flush()
            return pa.ipc.open_file(pa.py_buffer(mapped(self._file))).read_all()


class TextColumns:
    """Texts gathered row by row into columns, which lie on disk once they are large.

    Attributes:
        characters: of all of them together.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.characters = 0
        self._names = tuple(names)
        self._rows: list[tuple[str | None, ...]] = []
        self._buffered = 0
        self._spool: Spool | None = None

    def add(self, row: tuple[str | None, ...]) -> None:
        """One text or None for each name.

        Raises:
            UnicodeEncodeError: a text holds half a character, which can't be written down.
            FileError: the disk takes no more.
        """
        self._rows.append(row)
        length = sum(map(len, filter(None, row)))
        self.characters += length
        self._buffered += length
        if self._buffered > (SPILL_BYTES if self._spool is None else _BUFFERED):
            self._write()

    def _write(self) -> None:
        import pyarrow as pa

        schema = pa.schema([(name, pa.large_string()) for name in self._names])
        if self._spool is None:
            self._spool = Spool(schema)
        columns = zip(*self._rows, strict=True)
        self._spool.add(pa.record_batch([pa.array(column, pa.large_string()) for column in columns], schema=schema))
        self._rows, self._buffered = [], 0

    def finish(self) -> dict[str, "pd.Series[Any]"]:
        """Name → its column: of `object` with None for no text; or, on disk, of Arrow's strings with NA."""
        if self._spool is None:
            columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(self._names)
            return {name: pd.Series(list(column), dtype=object) for name, column in zip(self._names, columns, strict=True)}
        if self._rows:
            self._write()
        table = self._spool.table()
        return {name: text_series(table.column(name)) for name in self._names}


def text_series(column: Any) -> "pd.Series[Any]":
    """An Arrow column of texts as a pandas Series that shares its memory."""
    import pyarrow as pa

    dtype = pd.ArrowDtype(pa.large_string())
    return pd.Series(pd.array(column if column.type == pa.large_string() else column.cast(pa.large_string()), dtype=dtype))
