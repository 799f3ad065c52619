"""Parquet, decoded batch by batch; what is large goes to a file. See `dissection.tables`."""

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from dissection.errors import FileError
from dissection.spool import BLOCK_ROWS, Blocks, Content, Spool
from dissection.tables_text import MAX_COLUMNS, check_columns, most_rows, too_many, too_many_rows

MAX_PARQUET_BYTES: Final = 1_000_000_000
# Cells of Parquet are cheap while they lie in columns: a row of the native form has one for each judge and property.
MAX_PARQUET_CELLS: Final = 200_000_000


def read_parquet(content: Content, filename: str, max_bytes: int) -> Any:
    """The whole file as a `pyarrow.Table` of at least one row; where it is large, its columns lie in a mapped file.

    Args:
        content: bytes, or a mapped file.
        filename: for messages.
        max_bytes: how large it may be once decoded.

    Raises:
        FileError: it is broken, empty, too large, or has a column twice.
    """
    try:
        pa = importlib.import_module("pyarrow")  # heavy, and needed for Parquet alone
        pq = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise FileError("Reading Parquet needs pyarrow.", where=filename, remedy="pip install pyarrow, or upload CSV") from error
    with _told(filename):
        # Buffered, as else whole columns of a row group, which may be the whole file, would be read at once.
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(content)), buffer_size=1 << 20, pre_buffer=False)
        check_columns(list(file.schema_arrow.names), f"{filename}, schema")
        _check_size(file.metadata, filename, max_bytes)
        schema = pa.schema([field.with_type(_plain(field.type)) for field in file.schema_arrow])
        spool = Spool(schema)
        # In small batches, as a page of repeated long texts is far larger once it is decoded.
        for batch in file.iter_batches(batch_size=BLOCK_ROWS):
            # A dictionary is small however long the texts are that its column repeats.
            spool.add(batch if batch.schema.equals(schema) else batch.cast(schema))
            if spool.bytes > max_bytes:
                raise too_many("bytes once decoded", spool.bytes, max_bytes, filename)
        table = spool.table()
        table.validate()
    if not len(table):
        raise FileError("The Parquet file has no rows.", where=filename, accepted="at least one row", remedy="check that it was saved")
    return table


def _plain(kind: Any) -> Any:
    """The type without dictionaries: the values themselves."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    return kind


def rows_of(table: Any, filename: str) -> Blocks:
    """The rows of an Arrow table as dicts, made when they are needed.

    Raises:
        FileError: where a row is made, a value of it can't be.
    """

    def load(block: int) -> list[Any]:
        with _told(filename):
            return table.slice(block * BLOCK_ROWS, BLOCK_ROWS).to_pylist()  # type: ignore[no-any-return]

    return Blocks(range(0, len(table), BLOCK_ROWS), len(table), load)


def joined_parquet(tables: Sequence[Any], filename: str) -> Any:
    """Several Arrow tables as one; columns that one of them lacks are empty there.

    Raises:
        FileError: a column is of different kinds.
    """
    with _told(filename):
        return importlib.import_module("pyarrow").concat_tables(tables, promote_options="default")


@contextlib.contextmanager
def _told(filename: str) -> Iterator[None]:
    """Whatever a broken file makes the decoder raise, in words."""
    pa = importlib.import_module("pyarrow")
    try:
        yield
    except FileError:
        raise
    except MemoryError as error:
        raise FileError(
            "The Parquet file needs more memory than there is.",
            where=filename,
            accepted="texts and row groups that fit into memory",
            remedy="write it with smaller row groups, or leave out columns that are not needed",
        ) from error
    except (pa.ArrowException, OSError, ValueError, OverflowError, TypeError, KeyError, NotImplementedError) as error:
        raise FileError(
            f"The Parquet file is broken: {' '.join(str(error).split())[:200]}.",
            where=filename,
            accepted="a whole Parquet file",
            remedy="write it again, or upload CSV",
        ) from error


def _check_size(metadata: Any, filename: str, max_bytes: int) -> None:
    if metadata.num_rows > most_rows():
        raise too_many_rows(filename, metadata.num_rows)
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    for what, found, limit in (
        ("columns", metadata.num_columns, MAX_COLUMNS),
        ("cells", metadata.num_rows * metadata.num_columns, MAX_PARQUET_CELLS),
        ("bytes once unpacked", size, max_bytes),
    ):
        if found > limit:
            raise too_many(what, found, limit, filename)
