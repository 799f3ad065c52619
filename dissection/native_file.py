"""A dataset as a file in the native form, which reads back equal: JSON Lines nested, CSV and Parquet with dotted columns."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dissection.comparisons import compare_scores
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import DatasetError, UnknownNameError
from dissection.export import check_output, safe_cells

FORMS = (".jsonl", ".gz", ".parquet", ".csv")
WORDS = {1.0: "a", 0.0: "b", 0.5: "tie"}
SEPARATORS = (";", ",")


def native_records(dataset: PairDataset) -> Iterator[dict[str, Any]]:
    """One nested record a pair. Properties computed from the texts are left out, as reading computes them again.

    Raises:
        DatasetError: published weights, which have no pairs.
    """
    if not dataset.has_pairs:
        raise DatasetError(
            "Published weights have no pairs to write.",
            where=dataset.name,
            accepted="a dataset with pairs",
            remedy="export effects instead",
        )
    plain = dataset.pairs.astype(object).where(dataset.pairs.notna(), None)
    columns = {name: plain[name].tolist() for name in plain.columns}
    meta = [name for name in columns if name.startswith("meta.")]
    for row, pair_id in enumerate(dataset.pairs.index):
        record: dict[str, Any] = {"pair_id": pair_id, "scenario": columns["scenario"][row]}
        record["conditions"] = [name for name, mask in dataset.conditions.items() if mask[row]]
        for name in ("query", "response_a", "response_b", "model_a", "model_b"):
            if columns[name][row] is not None:
                record[name] = columns[name][row]
        record["labels"] = {judge: _label(dataset.verdicts[row, place]) for place, judge in enumerate(dataset.judge_names)}
        record["properties"] = {
            prop.name: found
            for place, prop in enumerate(dataset.properties)
            if not prop.computed and (found := _property(dataset.comparisons[row, place], dataset.scores[row, place])) is not None
        }
        record["meta"] = {name.removeprefix("meta."): columns[name][row] for name in meta if columns[name][row] is not None}
        yield record


def _verdict(value: float) -> str | float | None:
    return None if np.isnan(value) else WORDS.get(float(value), float(value))


def _label(orders: FloatArray) -> str | float | dict[str, Any] | None:
    if np.isnan(orders[1]):
        return _verdict(orders[0])
    return {"ab": _verdict(orders[0]), "ba": _verdict(orders[1])}


def _property(comparison: float, scores: FloatArray) -> dict[str, float] | None:
    known: dict[str, float] = {side: float(value) for side, value in zip("ab", scores, strict=True) if not np.isnan(value)}
    if not np.isnan(comparison) and comparison != compare_scores(scores[0], scores[1]):
        known["comparison"] = float(comparison)
    return known or None


def native_bytes(dataset: PairDataset, form: str) -> bytes:
    """The content of a file; `form` is one of `FORMS`.

    Raises:
        DatasetError: no pairs; or, for dotted columns, a condition whose name holds a separator.
        UnknownNameError: no such form.
    """
    if form not in FORMS:
        raise UnknownNameError(f"The ending {form!r} is not known.", accepted=", ".join(FORMS), remedy="choose one of them")
    if form in (".jsonl", ".gz"):
        lines = "".join(json.dumps(record, ensure_ascii=False, default=str) + "\n" for record in native_records(dataset)).encode()
        return gzip.compress(lines, mtime=0) if form == ".gz" else lines
    table = _flat(dataset)
    buffer = io.BytesIO()
    if form == ".parquet":
        table.to_parquet(buffer, index=False)
    else:
        buffer.write(safe_cells(table).to_csv(index=False).encode())
    return buffer.getvalue()


def write_native(dataset: PairDataset, path: Path) -> None:
    """Write the dataset in the form that the path's ending names.

    Raises:
        UnknownNameError, InputError: the ending is none of `FORMS`, or the folder is missing.
        DatasetError: as in `native_bytes`.
    """
    check_output(path, FORMS)
    path.write_bytes(native_bytes(dataset, path.suffix.lower()))


def _flat(dataset: PairDataset) -> pd.DataFrame:
    rows = []
    # One form a judge: a plain column beside columns of orders would be two judges' or two values for one.
    twice = {
        name for name, asked in zip(dataset.judge_names, np.asarray(~np.isnan(dataset.verdicts[:, :, 1]).all(axis=0)), strict=True) if asked
    }
    for record in native_records(dataset):
        broken = [name for name in record["conditions"] if any(mark in name for mark in SEPARATORS)]
        if broken:
            raise DatasetError(
                f"The condition {broken[0]!r} holds a mark that parts conditions in a flat table.",
                where=dataset.name,
                accepted="JSON Lines, which keeps any name",
                remedy="write to a .jsonl file",
            )
        flat = {key: value for key, value in record.items() if key not in ("labels", "properties", "meta", "conditions")}
        flat["conditions"] = ";".join(record["conditions"])
        for judge, label in record["labels"].items():
            if judge in twice:
                orders = label if isinstance(label, dict) else {"ab": label, "ba": None}
                flat |= {f"label.{judge}.{order}": part for order, part in orders.items()}
            else:
                flat[f"label.{judge}"] = label
        for name, parts in record["properties"].items():
            flat |= {f"property.{name}" if part == "comparison" else f"property.{name}.{part}": value for part, value in parts.items()}
        flat |= {f"meta.{name}": value for name, value in record["meta"].items()}
        rows.append(flat)
    table = pd.DataFrame(rows)
    # A column of words and probabilities is one of words, as Parquet has one type a column.
    mixed = [name for name in table.columns if name.startswith(("label.", "meta."))]
    table[mixed] = table[mixed].map(lambda value: value if value is None or isinstance(value, str) or pd.isna(value) else str(value))
    return table
