"""The native form: one pair a record, nested (JSON Lines, Parquet) or flat with dotted columns (CSV, TSV, Parquet)."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.readers.building import Builder
from dissection.readers.native_columns import read_columns
from dissection.tables import Table
from dissection.tables_text import MAX_ROWS, too_many
from dissection.verdicts import shown

NAME = "native"
DESCRIPTION = "one pair a row, with labels and properties (JSON Lines, Parquet or dotted CSV)"
FLAT_PREFIXES = ("label.", "property.", "meta.", "criterion.")


def recognises(table: Table) -> bool:
    """Whether the first rows look like the native form, nested or flat."""
    keys = {str(key) for value in table.values[:20] if isinstance(value, Mapping) for key in value}
    return (
        bool(keys & {"labels", "properties"}) or {"response_a", "response_b"} <= keys or any(key.startswith(FLAT_PREFIXES) for key in keys)
    )


def read(table: Table) -> PairDataset:
    """A dataset from a table in the native form.

    Raises:
        DatasetError: no rows, a value of the wrong kind, a repeated id, or more verdicts and comparisons than can be held; the message
            names row and pair.
        LabelError: a verdict that is none.
    """
    found = read_columns(table.arrow, table.filename) if table.arrow is not None else None
    return found or read_records(table.rows, table.filename)


def read_records(records: Iterable[Mapping[str, Any]], name: str, count: int | None = None) -> PairDataset:
    """A dataset from native records: one mapping a pair, nested or with dotted columns.

    Args:
        records: they may be made one by one, as each is used once.
        name: what errors call the place.
        count: how many records there are, where they have no length.

    Raises:
        FileError: there are more pairs than rows may be, as where all answers to one query are compared.
        DatasetError, LabelError: as `read`.
    """
    size = count if count is not None else len(records)  # type: ignore[arg-type]
    if not size:
        raise DatasetError("There are no pairs.", where=name, accepted="at least one row", remedy="check that the file is complete")
    if size > MAX_ROWS:
        raise too_many("pairs", size, MAX_ROWS, name)
    found = iter(records)
    first = next(found)
    flat = isinstance(first, Mapping) and any(str(key).startswith(FLAT_PREFIXES) for key in first)
    rest = chain((first,), found)
    builder = Builder(name, size)
    for row, record in enumerate(map(_nest, rest) if flat else rest):
        if not isinstance(record, dict | Mapping):
            raise DatasetError(f"Row {row + 1} is not an object.", where=name, accepted="one JSON object a row")
        builder.add(row, record)
    return builder.finish()


def _nest(record: Mapping[str, Any]) -> dict[str, Any]:
    """A flat row with dotted columns as a nested record. The last dot parts sides and orders, so names may hold dots."""
    nested: dict[str, Any] = {"labels": {}, "properties": {}, "meta": {}}
    for key, value in record.items():
        section, dot, rest = str(key).partition(".")
        if dot and section == "criterion":  # a judge's verdict on one criterion; kept among the meta columns under its whole name
            section, rest = "meta", str(key)
        if not dot or section not in ("label", "property", "meta"):
            if key not in nested:
                nested[str(key)] = value
            continue
        stem, _, last = rest.rpartition(".")
        if section == "label" and last in ("ab", "ba") and stem:
            if f"label.{stem}" in record:
                raise DatasetError(
                    f"The judge {shown(stem)} has a column of its own and one for an order.",
                    accepted=f"label.{stem}, or label.{stem}.ab and label.{stem}.ba",
                    remedy="remove one of them",
                )
            nested["labels"].setdefault(stem, {})[last] = value
        elif section == "property" and last in ("a", "b") and stem:
            nested["properties"].setdefault(stem, {})[last] = value
        elif section == "property":
            nested["properties"].setdefault(rest, {})["comparison"] = value
        else:
            # An empty cell of a flat table is no value.
            nested["labels" if section == "label" else "meta"][rest] = None if value == "" else value
    _add_whole(nested, record)
    if isinstance(nested.get("conditions"), str):
        nested["conditions"] = [part.strip() for part in nested["conditions"].replace(",", ";").split(";") if part.strip()]
    return nested


def _add_whole(nested: dict[str, Any], record: Mapping[str, Any]) -> None:
    """The sections that a flat row holds as one column each."""
    for key in ("labels", "properties", "meta"):
        if record.get(key) in (None, ""):
            continue
        if nested[key]:
            raise DatasetError(
                f"A row has the column {key}, {shown(record[key])}, and dotted columns of the same.",
                accepted=f"an object in {key}, or dotted columns",
                remedy="remove one of them",
            )
        nested[key] = record[key]
