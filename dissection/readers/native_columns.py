"""The native form column by column, for Parquet: what a row at a time would say, many times faster.

Only what is plain is read here. At the first column of another kind, or value that can't be, the rows are read one by one instead, and
say what is wrong with which of them.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection import spool
from dissection.dataset import TEXT_COLUMNS, FloatArray, PairDataset
from dissection.errors import LabelError
from dissection.readers.building import KNOWN_KEYS, Builder
from dissection.readers.names import MAX_NAME_LENGTH
from dissection.spool import text_series
from dissection.tables_text import MAX_CELL_LENGTH
from dissection.verdicts import parse_verdict

SECTIONS: Final = {"labels": "label", "properties": "property", "meta": "meta"}
_FEW: Final = 100_000


class _NotPlainError(Exception):
    """A column that has to be read row by row."""


def read_columns(table: Any, name: str) -> PairDataset | None:
    """The dataset of a `pyarrow.Table` in the native form, nested or with dotted columns; None where it is not plain.

    Raises:
        DatasetError: an id comes twice, or there is more than can be held.
    """
    try:
        return _gather(table, name).finish()
    except _NotPlainError:
        return None


def _gather(table: Any, name: str) -> Builder:
    flat = any(str(key).startswith((*(f"{section}." for section in SECTIONS.values()), "criterion.")) for key in table.column_names)
    if flat:
        _check_flat(set(table.column_names))
    builder = Builder(name, len(table))
    for key in table.column_names:
        section, dot, rest = str(key).partition(".")
        if flat and dot and section in (*SECTIONS.values(), "criterion"):
            into, path = ("meta", (str(key), "")) if section == "criterion" else (section, _flat_path(section, rest))
            _add(builder, into, path, table.column(key), flat=True)
        elif key in SECTIONS:
            for child, column in _children(table.column(key)):
                _nested(builder, SECTIONS[key], child, column)
        elif key not in KNOWN_KEYS:
            builder.unused[str(key)] = len(table)
    builder.ids = _ids(table, builder)
    for key in ("scenario", "model_a", "model_b"):
        if key in table.column_names:
            builder.names[key] = _objects(_texts(table.column(key), MAX_NAME_LENGTH))
    _add_texts(builder, table)
    if "conditions" in table.column_names:
        _add_conditions(builder, table.column("conditions"), flat=flat)
    return builder


def _check_flat(names: set[str]) -> None:
    """Dotted columns alone, and no judge with a column of its own beside those of its orders."""
    if names & set(SECTIONS) or any(f"{name}.{order}" in names for name in names for order in ("ab", "ba")):
        raise _NotPlainError


def _add_texts(builder: Builder, table: Any) -> None:
    columns = {key: _texts(table.column(key)) for key in TEXT_COLUMNS if key in table.column_names}
    on_disk = sum(column.nbytes for column in columns.values()) > spool.SPILL_BYTES
    for key in TEXT_COLUMNS:
        if key not in columns:
            builder.text_columns[key] = pd.Series(np.full(len(table), None, dtype=object))
        else:
            builder.text_columns[key] = text_series(columns[key]) if on_disk else pd.Series(columns[key].to_pylist(), dtype=object)


def _flat_path(section: str, rest: str) -> tuple[str, str]:
    """The name, and the side or order; the last dot parts them, so names may hold dots."""
    stem, _, last = rest.rpartition(".")
    if stem and ((section == "label" and last in ("ab", "ba")) or (section == "property" and last in ("a", "b"))):
        return stem, last
    if not rest:
        raise _NotPlainError
    return rest, ""


def _children(column: Any) -> list[tuple[str, Any]]:
    """The fields of a column of structs; a field of an absent struct is absent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(column.type):
        return []
    if not pa.types.is_struct(column.type):
        raise _NotPlainError
    names = [column.type.field(i).name for i in range(column.type.num_fields)]
    if not names or len(set(names)) < len(names):
        raise _NotPlainError
    return [(name, pc.struct_field(column, [i])) for i, name in enumerate(names)]


def _nested(builder: Builder, section: str, name: str, column: Any) -> None:
    import pyarrow as pa

    if section == "meta" or not pa.types.is_struct(column.type):
        if section == "property" and not pa.types.is_null(column.type):
            raise _NotPlainError
        _add(builder, section, (name, ""), column, flat=False)
        return
    for part, values in _children(column):
        if part not in (("ab", "ba") if section == "label" else ("a", "b", "comparison")):
            raise _NotPlainError
        _add(builder, section, (name, "" if part == "comparison" else part), values, flat=False)


def _add(builder: Builder, section: str, path: tuple[str, str], column: Any, *, flat: bool) -> None:
    name, part = path
    if section == "meta":
        builder.make_room("meta columns", builder.meta, builder.count)
        found = _objects(column)
        if flat:
            found[found == ""] = None
        builder.meta[name] = found
    elif section == "label":
        if name not in builder.labels:
            builder.make_room("judges", builder.labels, 2 * builder.count)
            builder.labels[name] = np.full((builder.count, 2), np.nan)
        builder.labels[name][:, int(part == "ba")] = _verdicts(column)
    else:
        if name not in builder.scores:
            builder.make_room("properties", builder.scores, 3 * builder.count)
            builder.comparisons[name] = np.full(builder.count, np.nan)
            builder.scores[name] = np.full((builder.count, 2), np.nan)
        values = _numbers(column)
        if part:
            builder.scores[name][:, int(part == "b")] = values
        else:
            builder.comparisons[name] = values


def _numbers(column: Any) -> FloatArray:
    import pyarrow as pa

    types = pa.types
    if not (types.is_floating(column.type) or types.is_integer(column.type) or types.is_null(column.type)):
        raise _NotPlainError
    # A whole number beyond 2⁵³ becomes the nearest float, as `float` makes it.
    found: FloatArray = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    if np.isinf(found).any():
        raise _NotPlainError
    return found


def _verdicts(column: Any) -> FloatArray:
    import pyarrow as pa

    types = pa.types
    if types.is_string(column.type) or types.is_large_string(column.type) or types.is_dictionary(column.type):
        words, codes = _coded(column)
        try:
            verdicts = np.array([parse_verdict(word) for word in words], dtype=np.float64)
        except LabelError as error:
            raise _NotPlainError from error
        return verdicts[codes] if len(verdicts) else np.full(len(column), np.nan)
    found = _numbers(column)
    if ((found < 0) | (found > 1)).any():
        raise _NotPlainError
    return found


def _coded(column: Any) -> tuple[list[Any], NDArray[np.intp]]:
    """The distinct values, and for each row the place of its own among them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    distinct = pc.unique(column)
    if len(distinct) > _FEW:
        raise _NotPlainError
    codes = pc.index_in(column, value_set=distinct)
    return distinct.to_pylist(), np.asarray(codes.to_numpy(), dtype=np.intp)


def _objects(column: Any) -> NDArray[np.object_]:
    """Python values; where few differ, each text is there once."""
    import pyarrow as pa

    found = np.full(len(column), None, dtype=object)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            words, codes = _coded(column)
        except _NotPlainError:
            found[:] = column.to_pylist()
        else:
            found[:] = np.array([*words, None], dtype=object)[codes]
        return found
    for place, value in enumerate(column.to_pylist()):  # one by one, as NumPy would take lists apart
        found[place] = value
    return found


def _texts(column: Any, most: int = MAX_CELL_LENGTH) -> Any:
    """The column, if it holds texts that are short enough; a byte is at least as much as a character."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(column.type):
        return column.cast(pa.large_string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise _NotPlainError
    if (pc.max(pc.binary_length(column)).as_py() or 0) > most:
        raise _NotPlainError
    return column


def _ids(table: Any, builder: Builder) -> list[str]:
    if "pair_id" not in table.column_names:
        builder.without_id = len(table)
        return [str(row) for row in range(len(table))]
    ids = _texts(table.column("pair_id"), MAX_NAME_LENGTH).to_pylist()
    for row, found in enumerate(ids):
        if found is None or not found.strip():
            ids[row] = str(row)
            builder.without_id += 1
    return ids  # type: ignore[no-any-return]


def _add_conditions(builder: Builder, column: Any, *, flat: bool) -> None:
    import pyarrow as pa

    types = pa.types
    words = types.is_string(column.type) or types.is_large_string(column.type)
    listed = (types.is_list(column.type) or types.is_large_list(column.type)) and types.is_string(column.type.value_type)
    if not (types.is_null(column.type) or words or listed):
        raise _NotPlainError
    for row, value in enumerate(column.to_pylist()):
        names = value or ()
        if isinstance(value, str):
            names = [part.strip() for part in value.replace(",", ";").split(";") if part.strip()] if flat else ((value,) if value else ())
        for name in names:
            if name is None:
                raise _NotPlainError
            builder.add_condition(row, name)
