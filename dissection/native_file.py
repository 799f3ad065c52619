"""A dataset as a file in the native form, which reads back equal: JSON Lines nested, CSV and Parquet with dotted columns."""

import gzip
import importlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from dissection.comparisons import compare_scores
from dissection.dataset import PART, TEXT_COLUMNS, FloatArray, PairDataset
from dissection.errors import DatasetError, UnknownNameError
from dissection.export import check_output, safe_cells
from dissection.whole_file import whole_file

FORMS = (".jsonl", ".gz", ".parquet", ".csv")
WORDS = {1.0: "a", 0.0: "b", 0.5: "tie"}
MODELS = ("model_a", "model_b")
ROW_GROUP = 65_536
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
    meta = [name for name in dataset.pairs.columns if name.startswith("meta.")]
    for row, plain in enumerate(_plain_rows(dataset.pairs)):
        record: dict[str, Any] = {"pair_id": dataset.pairs.index[row], "scenario": plain["scenario"]}
        record["conditions"] = [name for name, mask in dataset.conditions.items() if mask[row]]
        record |= {name: plain[name] for name in (*TEXT_COLUMNS, *MODELS) if plain[name] is not None}
        record["labels"] = {judge: _label(dataset.verdicts[row, place]) for place, judge in enumerate(dataset.judge_names)}
        record["properties"] = {
            prop.name: found
            for place, prop in enumerate(dataset.properties)
            if not prop.computed and (found := _property(dataset.comparisons[row, place], dataset.scores[row, place])) is not None
        }
        record["meta"] = {name.removeprefix("meta."): plain[name] for name in meta if plain[name] is not None}
        yield record


def _plain_rows(pairs: pd.DataFrame) -> Iterator[dict[Any, Any]]:
    """Each row as Python values, None where there is none; texts that lie on disk are read part by part."""
    for start in range(0, len(pairs), PART):
        part = pairs.iloc[start : start + PART].astype(object)
        yield from part.where(part.notna(), None).to_dict("records")


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
    buffer = io.BytesIO()
    _write(dataset, form, buffer)
    return buffer.getvalue()


def _write(dataset: PairDataset, form: str, file: IO[bytes]) -> None:
    if form == ".gz":
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
            packed.writelines(_lines(dataset))
    elif form == ".jsonl":
        file.writelines(_lines(dataset))
    elif form == ".parquet":
        importlib.import_module("pyarrow.parquet").write_table(_flat(dataset), file, row_group_size=ROW_GROUP)
    else:
        table = _flat(dataset)
        for start in range(0, max(len(table), 1), PART):
            part = safe_cells(table.slice(start, PART).to_pandas())
            file.write(part.to_csv(index=False, header=start == 0).encode())


def _lines(dataset: PairDataset) -> Iterator[bytes]:
    for record in native_records(dataset):
        try:
            yield (json.dumps(record, ensure_ascii=False, default=str) + "\n").encode()
        except UnicodeEncodeError:  # half a character, which JSON can write as an escape alone
            yield (json.dumps(record, default=str) + "\n").encode()


def write_native(dataset: PairDataset, path: Path) -> None:
    """Write the dataset in the form that the path's ending names.

    Raises:
        UnknownNameError, InputError: the ending is none of `FORMS`, or the folder is missing.
        DatasetError: as in `native_bytes`.
    """
    check_output(path, FORMS)
    with whole_file(path) as file:
        _write(dataset, path.suffix.lower(), file)


def _flat(dataset: PairDataset) -> Any:
    """The dataset as a `pyarrow.Table` with dotted columns."""
    pa = importlib.import_module("pyarrow")
    if not dataset.has_pairs:
        next(native_records(dataset))  # says so
    try:
        return pa.table(dict(_columns(dataset, pa)))
    except UnicodeEncodeError as error:
        raise DatasetError(
            "A text holds half of a character.",
            where=dataset.name,
            accepted="JSON Lines, which can write it as an escape",
            remedy="write to a .jsonl file",
        ) from error


def _columns(dataset: PairDataset, pa: Any) -> Iterator[tuple[str, Any]]:
    pairs, text = dataset.pairs, pa.large_string()
    yield "pair_id", pa.array(pairs.index.tolist(), text)
    for name in ("scenario", *TEXT_COLUMNS, *MODELS):
        if pairs[name].notna().any():
            yield name, pa.array(pairs[name], text, from_pandas=True)
    yield "conditions", pa.array(_conditions(dataset), text)
    for place, judge in enumerate(dataset.judge_names):
        orders = dataset.verdicts[:, place]
        # One form a judge: a plain column beside columns of orders would be two judges' or two values for one.
        if np.isnan(orders[:, 1]).all():
            yield f"label.{judge}", pa.array(_words(orders[:, 0]), text)
        else:
            yield f"label.{judge}.ab", pa.array(_words(orders[:, 0]), text)
            yield f"label.{judge}.ba", pa.array(_words(orders[:, 1]), text)
    for place, prop in enumerate(dataset.properties):
        if not prop.computed:
            yield from _property_columns(prop.name, dataset.comparisons[:, place], dataset.scores[:, place], pa)
    for name in pairs.columns:
        if name.startswith("meta."):
            yield name, _meta(pairs[name], pa)


def _conditions(dataset: PairDataset) -> list[str]:
    broken = [name for name, mask in dataset.conditions.items() if mask.any() and any(mark in name for mark in SEPARATORS)]
    if broken:
        raise DatasetError(
            f"The condition {broken[0]!r} holds a mark that parts conditions in a flat table.",
            where=dataset.name,
            accepted="JSON Lines, which keeps any name",
            remedy="write to a .jsonl file",
        )
    return [";".join(name for name, mask in dataset.conditions.items() if mask[row]) for row in range(len(dataset))]


def _words(verdicts: FloatArray) -> list[str | None]:
    # A column of words and probabilities is one of words, as Parquet has one type a column.
    written = {value: _verdict(value) for value in np.unique(verdicts[~np.isnan(verdicts)]).tolist()}
    return [None if value != value else str(written[value]) for value in verdicts.tolist()]


def _property_columns(name: str, comparisons: FloatArray, scores: FloatArray, pa: Any) -> Iterator[tuple[str, Any]]:
    for side, values in zip("ab", scores.T, strict=True):
        if not np.isnan(values).all():
            yield f"property.{name}.{side}", pa.array(values, from_pandas=True)
    told = ~np.isnan(comparisons) & (comparisons != compare_scores(scores[:, 0], scores[:, 1]))
    if told.any():
        yield f"property.{name}", pa.array(np.where(told, comparisons, np.nan), from_pandas=True)


def _meta(column: "pd.Series[Any]", pa: Any) -> Any:
    values = column.astype(object).where(column.notna(), None).tolist()
    try:
        array = pa.array(values)
        if "struct<>" not in str(array.type):  # which Parquet has no way to write
            return array
    except (pa.ArrowException, OverflowError):  # values of several kinds
        pass
    return pa.array([value if value is None or isinstance(value, str) else str(value) for value in values], pa.large_string())
