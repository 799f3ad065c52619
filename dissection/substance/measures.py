"""A table of concrete measures of models, and how they go together with the models' strengths by each judge.

Correlations are Spearman's and Kendall's (tau-b). Their 95 % intervals are percentiles over draws of the queries, which move the strengths,
and of the models, which others might have been, both with replacement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray
from dissection.errors import InputError
from dissection.similarity import paired_correlations
from dissection.substance.strengths import Strengths
from dissection.tables import Table, read_table
from dissection.verdicts import number, shown
from dissection.wording import count

MODEL_COLUMN = "model"
FEW_MODELS, LEAST_MODELS = 10, 3
METHODS = ("spearman", "kendall")
CORRELATION_COLUMNS = ("judge", "measure", "method", "correlation", "low", "high", "models", "remark")
SHOWN_NAMES = 8


@dataclass(frozen=True, eq=False)
class Measures:
    """Concrete measures of models.

    Attributes:
        values: models × measures; NaN where a cell is empty.
        notes: what the user should know, one sentence each.
    """

    values: pd.DataFrame
    notes: tuple[str, ...]


def read_measures(data: bytes, filename: str, models: Sequence[str]) -> Measures:
    """An uploaded table: a column `model`, and a column of numbers for each measure.

    Args:
        data: the file's bytes.
        filename: for messages.
        models: of the pairs; others in the table are named in a note.

    Raises:
        FileError: the file can't be read.
        InputError: no column `model`, no measure, a model twice or without a name, a value that is no number, no model of the data.
    """
    table = read_table(data, filename)
    # Text without a delimiter is no rows, but a heading alone.
    columns = table.columns if table.kind != "lines" else (str(table.values[0]),)
    own = [column for column in columns if column.strip().casefold() == MODEL_COLUMN]
    names = [column for column in columns if column not in own]
    if len(own) != 1 or not names:
        raise InputError(
            f"{'The columns are' if len(columns) > 1 else 'The only column is'} {_list([shown(column) for column in columns])}.",
            where=filename,
            accepted=f"one column `{MODEL_COLUMN}`, and one of numbers for each measure",
            remedy="give the table a heading such as model,safety,knowledge",
        )
    if blank := [place for place, name in enumerate(names) if not name.strip()]:
        raise InputError(f"Measure {blank[0] + 1} has no name.", where=filename, accepted="a heading above every column")
    rows = _rows(table, own[0], names)
    known = [model for model in models if model in rows]
    unknown = [model for model in rows if model not in models]
    if not known:
        raise InputError(
            f"None of its models is in the data: {_list(unknown)}.",
            where=filename,
            accepted=_list(list(models)) or "pairs that name their models",
            remedy="write the names as they stand in the data",
        )
    values = pd.DataFrame([rows[model] for model in known], index=pd.Index(known, name=MODEL_COLUMN), columns=names)
    return Measures(values, tuple(_notes(filename, values, unknown, [model for model in models if model not in rows])))


def _rows(table: Table, own: str, names: Sequence[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    places: dict[str, str] = {}
    for index, row in enumerate(table.rows):
        cell = row.get(own)
        model = "" if cell is None else str(cell).strip()
        if not model:
            raise InputError(
                "A row names no model.", where=table.place(index), accepted="a name", remedy="name the model or delete the row"
            )
        if model in places:
            raise InputError(
                f"The model {shown(model)} comes more than once.",
                where=f"{places[model]} and {table.place(index)}",
                accepted="one row for each model",
                remedy="delete one of the rows",
            )
        places[model] = table.place(index)
        found[model] = [_value(row.get(name), name, table.place(index)) for name in names]
    return found


def _value(cell: object, name: str, place: str) -> float:
    if cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()):
        return float("nan")
    value = number(cell)
    if value is None:
        raise InputError(
            f"{shown(cell)} is no number.",
            where=f"{place}, column {shown(name)}",
            accepted="a number with a decimal point, or an empty cell where the model was not measured",
            remedy="correct the cell, or leave the column out",
        )
    return value


def _notes(filename: str, values: pd.DataFrame, unknown: Sequence[str], missing: Sequence[str]) -> list[str]:
    notes = []
    if unknown:
        notes.append(f"{filename} names {count(len(unknown), 'model')} that no pair is of: {_list(unknown)}. Not used.")
    if missing:
        notes.append(f"{filename} says nothing of {count(len(missing), 'model')} of the pairs: {_list(missing)}. Left out of correlations.")
    gaps = values.isna().sum()
    if gaps.any():
        said = [f"{name} ({number} of {len(values)})" for name, number in gaps[gaps > 0].items()]
        notes.append(f"Empty cells: {_list(said)}. These models are left out of that measure's correlations.")
    return notes


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else "")


def correlations(strengths: Mapping[str, Strengths], measures: Measures, method: str = "spearman", seed: int = 0) -> pd.DataFrame:
    """How each judge's strengths go together with each measure: one row a judge and measure, `CORRELATION_COLUMNS`.

    `correlation` is NaN, and `remark` says why, where fewer than three models have both or either is the same for all of them.

    Args:
        strengths: judge → its strengths.
        measures: of `read_measures`.
        method: "spearman" or "kendall".
        seed: of the draws of models.

    Raises:
        InputError: another method.
    """
    if method not in METHODS:
        raise InputError(f"There is no correlation named {method!r} here.", accepted=", ".join(METHODS))
    rows = []
    for judge, found in strengths.items():
        for measure, column in measures.values.items():
            known = column.dropna()
            both = [model for model in found.models if model in known.index]
            facts = {"judge": judge, "measure": str(measure), "method": method, "models": len(both)}
            places = [found.models.index(model) for model in both]
            at = known.loc[both].to_numpy(dtype=float)
            rows.append({**facts, **_correlation(found.mean[places], found.draws[:, places], at, method, seed)})
    return pd.DataFrame(rows, columns=list(CORRELATION_COLUMNS))


def _correlation(mean: FloatArray, draws: FloatArray, measure: FloatArray, method: str, seed: int) -> dict[str, object]:
    nothing = {"correlation": np.nan, "low": np.nan, "high": np.nan}
    if len(measure) < LEAST_MODELS:
        return {**nothing, "remark": f"fewer than {LEAST_MODELS} models"}
    value = float(_correlate(mean[None], measure[None], method)[0])
    if np.isnan(value):
        return {**nothing, "remark": "the same for all models"}
    drawn = np.random.default_rng(seed).integers(len(measure), size=draws.shape)
    resampled = _correlate(np.take_along_axis(draws, drawn, axis=1), measure[drawn], method)
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    # Noise in resampled strengths draws their correlations towards 0, so that the ends may miss a very strong one.
    return {"correlation": value, "low": min(float(low), value), "high": max(float(high), value), "remark": ""}


def _correlate(one: FloatArray, other: FloatArray, method: str) -> FloatArray:
    """(R,) rank correlations of the rows of two (R × models) arrays; NaN where one is constant."""
    if method == "spearman":
        return paired_correlations(one, other, "spearman")
    first, second = np.triu_indices(one.shape[1], 1)
    # Tau-b is the cosine of the signs of all differences.
    return paired_correlations(np.sign(one[:, first] - one[:, second]), np.sign(other[:, first] - other[:, second]), "cosine")
