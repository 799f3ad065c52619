"""Which form a file of labels has, and where in its rows each judge's labels stand. No label is read here: see `dissection.labels`."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dissection.errors import LabelError
from dissection.judges import check_name
from dissection.label_columns import ACCEPTED_FORMS, ORDERS, Column, Layout, find, rows_layout
from dissection.tables import Table
from dissection.verdicts import is_missing, number, shown, word_verdict


class Entry(NamedTuple):
    """One label as it stands in the file: of which pair, in which order, in which row. Two values for scores and log-probabilities."""

    pair_id: object
    order: int
    value: object
    row: int


def recognise(table: Table, pair_ids: Sequence[str]) -> Layout:
    """The form of a file.

    Args:
        table: the file.
        pair_ids: the dataset's, in its order: a list without ids must have this length.

    Raises:
        LabelError: the file has none of the known forms, or two of them at once.
        FileError: a row is not an object, or there are too many columns.
    """
    values = table.values
    if table.kind in ("delimited", "parquet"):
        return rows_layout(table, table.rows, table.numbers)
    if table.kind == "json object":
        mapping = _as_mapping(values[0])
        if find(tuple(mapping), "pair_id"):
            return rows_layout(table, [mapping], [1])
        return _by_id(table, list(mapping.items()), range(1, len(mapping) + 1), "a JSON object {pair_id: label}")
    objects = sum(_is_mapping(value) and not _is_orders(value) for value in values)
    if objects == 0:
        return _in_order(table, pair_ids)
    if objects < len(values):
        at = next(i for i, value in enumerate(values) if not _is_mapping(value) or _is_orders(value))
        raise LabelError(
            f"Some values are objects, but this one is {shown(values[at])}.",
            where=table.place(at),
            accepted="either all objects with a pair_id, or all labels",
            remedy="write every row the same way",
        )
    rows = table.rows
    if all(len(row) == 1 and not find(tuple(row), "pair_id") for row in rows):
        pairs = [item for row in rows for item in row.items()]
        return _by_id(table, pairs, table.numbers, "one object {pair_id: label} a row")
    return rows_layout(table, rows, table.numbers)


def entries(layout: Layout, column: Column, where: str) -> Iterator[Entry]:
    """The labels of one judge, in the order of the file.

    Raises:
        LabelError: an order is neither ab nor ba.
    """
    for position in column.rows:
        row, number_ = layout.rows[position], layout.numbers[position]
        said = _order(row.get(layout.order_column), f"{where}, {layout.unit} {number_}") if layout.order_column else None
        for order, names in column.names:
            at = said if order is None else order
            cells = tuple(row.get(name) for name in names)
            value = cells[0] if len(cells) == 1 else cells
            if at is None and _is_orders(value):
                for key, cell in _as_mapping(value).items():
                    yield Entry(row.get(layout.id_column), ORDERS[key], cell, number_)
            else:
                yield Entry(row.get(layout.id_column), at or 0, value, number_)


def _order(value: object, where: str) -> int:
    if isinstance(value, str) and value.strip().lower() in ORDERS:
        return ORDERS[value.strip().lower()]
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return 0
    raise LabelError(
        f"The order is {shown(value)}.",
        where=where,
        accepted="ab (A was shown first), ba (B was shown first), or empty",
        remedy="write the order as ab or ba; the label stays in terms of A and B",
    )


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _as_mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _is_orders(value: object) -> bool:
    """{"ab": verdict, "ba": verdict}, or one of them."""
    return isinstance(value, dict) and bool(value) and all(key in ORDERS for key in value)


# --- Labels without columns -------------------------------------------------------------------------------------------------------


def _in_order(table: Table, pair_ids: Sequence[str]) -> Layout:
    values = table.values
    if table.kind == "lines" and word_verdict(values[0]) is None and number(values[0]) is None:
        raise LabelError(
            f"The file has one column, and its first line {shown(values[0])} is not a label.",
            where=table.place(0),
            accepted=ACCEPTED_FORMS,
            remedy="add a pair_id column, so that every label says which pair it is about",
        )
    if len(values) != len(pair_ids):
        raise LabelError(
            f"The list has {len(values):,} labels, but the dataset has {len(pair_ids):,} pairs.",
            where=table.filename,
            accepted=f"a list of {len(pair_ids):,} labels in the order of the dataset",
            remedy="choose the dataset that the labels belong to, or upload a file with pair_id",
        )
    what = "JSON list" if table.kind == "json list" else "list, one label a line,"
    return _by_id(table, list(zip(pair_ids, values, strict=True)), table.numbers, f"a {what} in the order of the dataset")


def _by_id(table: Table, pairs: Sequence[tuple[str, object]], numbers: Sequence[int], form: str) -> Layout:
    rows = [{"pair_id": pair_id, "label": value} for pair_id, value in pairs]
    column = Column(None, "label", ((None, ("label",)),), range(len(rows)))
    return Layout(form, table.unit, rows, numbers, "pair_id", None, (column,))


def judge_name(found: str | None, default: str | None, taken: tuple[str, ...], where: str) -> str:
    """The judge's name, from the file or else the default one.

    Raises:
        LabelError: there is neither, the name is taken, or it can't be shown or written.
    """
    name = found if found is not None else (default or "")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise LabelError(
            f"The judge's name {shown(name)} holds half a character.", where=where, accepted="a plain name", remedy="choose another name"
        ) from error
    return check_name(name, taken)
