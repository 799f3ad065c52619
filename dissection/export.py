"""Results as files: CSV, Parquet, JSON Lines, JSON, and the published-weights form."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dissection.dataset import CONDITION_LABELS, Group
from dissection.errors import InputError, UnknownNameError
from dissection.regression.posterior import EFFECT_COLUMNS, Posterior, effects_frame
from dissection.whole_file import write_whole

EFFECT_FORMS = (".csv", ".parquet", ".jsonl", ".json")
DIGITS = 15  # after the point; the most that pandas writes


def effects_table(posteriors: Sequence[Posterior]) -> pd.DataFrame:
    """The columns that files of effects hold, see `EFFECT_COLUMNS`."""
    return effects_frame(posteriors)[list(EFFECT_COLUMNS)]


def check_output(path: Path, forms: Sequence[str]) -> None:
    """Whether a result can be written there, asked before the work is done.

    Raises:
        UnknownNameError: the ending is none of `forms`.
        InputError: the folder does not exist.
    """
    if path.suffix.lower() not in forms:
        raise UnknownNameError(
            f"The ending {path.suffix!r} is not known.", where=str(path), accepted=", ".join(forms), remedy="choose one of them"
        )
    if not path.resolve().parent.is_dir():
        raise InputError("The folder does not exist.", where=str(path.parent), remedy="make it first")


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Text cells and headings that a spreadsheet would run as a formula get an apostrophe in front (OWASP, "CSV injection")."""

    def safe(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value

    return frame.map(safe).rename(columns=safe, index=safe)


def write_effects(posteriors: Sequence[Posterior], path: Path) -> None:
    """Write the effects in the form that the path's ending names.

    Raises:
        UnknownNameError: the ending is none of `EFFECT_FORMS`.
    """
    write_table(effects_table(posteriors), path)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table in the form that the path's ending names.

    Raises:
        UnknownNameError: the ending is none of `EFFECT_FORMS`.
    """
    check_output(path, EFFECT_FORMS)
    write_whole(path, table_bytes(table, path.suffix.lower()))


def table_bytes(table: pd.DataFrame, form: str) -> bytes:
    """The content of a table's file; `form` is one of `EFFECT_FORMS`. JSON is a list with one object a row; NaN is null."""
    if form == ".parquet":
        return bytes(table.to_parquet(index=False))
    if form in (".jsonl", ".json"):
        lines = table.to_json(orient="records", lines=True, double_precision=DIGITS)
        return (lines if form == ".jsonl" else "[" + lines.strip().replace("\n", ",\n") + "]\n").encode()
    return safe_cells(table).to_csv(index=False).encode()


def published_json(posteriors: Sequence[Posterior]) -> str:
    """Posterior means in the published-weights form: {group: {judge: [weights]}}.

    Left out are cells without numbers, and all pairs together, which the form does not know: they would come back as one more scenario.
    """
    weights: dict[str, dict[str, list[float]]] = {}
    for posterior in posteriors:
        if posterior.group.kind != "all" and np.isfinite(posterior.mean).all():
            weights.setdefault(_published_name(posterior.group), {})[posterior.judge] = [float(value) for value in posterior.mean]
    return json.dumps(weights, indent=1)


def _published_name(group: Group) -> str:
    """A group as the original project's demo words it where its kind would not be known from the name alone."""
    if group.kind == "condition" and group.name not in CONDITION_LABELS:
        return f"[Query-Specific] {group.name}"
    return f"[Scenario] {group.name}" if group.kind == "scenario" and group.name.startswith("[") else group.name
