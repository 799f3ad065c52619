"""Published weights: posterior means without pairs, as the original project publishes them.

A folder of `model_<group>_fitted_paras.jsonl` files, one `{"model_name", "parameters": [29]}` a line; or one JSON object
`{group: {judge: [29]}}` or `{group: [29]}` (one judge, named after the file).
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dissection import judges
from dissection.dataset import CONDITION_LABELS, TEXT_COLUMNS, Group, PairDataset
from dissection.errors import DatasetError, FileError
from dissection.properties import paper_properties
from dissection.readers.names import check_count, check_text
from dissection.tables import Table
from dissection.verdicts import number, shown

NAME = "published weights"
DESCRIPTION = "posterior means of the 29 properties for each judge and group, without pairs"
FILE_PATTERN = re.compile(r"model_(?P<group>.+)_fitted_paras\.jsonl")
# How the original demo words its groups in the JSON it gives out.
_WORDED_GROUPS = {
    "Contain Explicit Constraints": "w_constraints",
    "Show Explicit Subjective Stances": "w_stances",
    "Contain Mistakes or Bias": "w_mistakes",
    "Unclear User Intent": "intent_unclear",
    "Express Feelings of Emotions": "express_feeling",
}

Weights = dict[str, dict[str, list[Any]]]


def recognises_folder(folder: Path) -> bool:
    """Whether the folder holds such files."""
    return any(FILE_PATTERN.fullmatch(path.name) for path in folder.iterdir())


def recognises(table: Table) -> bool:
    """Whether the file is one JSON object {group: {judge: [number, …]}} or {group: [number, …]}."""
    value = table.values[0] if table.kind in ("json object", "json lines") and len(table) == 1 else None
    if not isinstance(value, Mapping) or not value:
        return False
    first = next(iter(value.values()))
    if isinstance(first, Mapping) and first:
        first = next(iter(first.values()))
    return isinstance(first, list) and bool(first) and all(number(item) is not None for item in first)


def read_folder(folder: Path) -> PairDataset:
    """A dataset of point estimates from a folder of weight files.

    Raises:
        FileError: a file can't be read or has no such lines.
        DatasetError: a judge has the wrong number of weights or one that is not a number.
    """
    weights: Weights = {}
    for path in sorted(folder.iterdir()):
        match = FILE_PATTERN.fullmatch(path.name)
        if match:
            weights[match["group"]] = _read_lines(path)
    return _dataset(weights, folder.name)


def _read_lines(path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError("The file can't be read as UTF-8 text.", where=str(path), accepted="JSON Lines in UTF-8") from error
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            found[str(record["model_name"])] = list(record["parameters"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileError(
                "A line does not hold one judge's weights.",
                where=f"{path.name}, line {row}",
                accepted='{"model_name": "…", "parameters": [29 numbers]}',
            ) from error
    return found


def read(table: Table) -> PairDataset:
    """A dataset of point estimates from one JSON object.

    Raises:
        DatasetError: a judge has the wrong number of weights or one that is not a number.
    """
    if not len(table):
        raise DatasetError("There are no weights.", where=table.filename, accepted="one JSON object {group: {judge: [29 numbers]}}")
    value, name = table.rows[0], table.filename
    alone = re.sub(r"\.jsonl?(\.gz)?$", "", name)
    weights: Weights = {}
    for group, entry in value.items():
        if not isinstance(entry, Mapping | list):
            raise DatasetError(
                f"The group {shown(group)} holds {shown(entry)}.", where=name, accepted="{judge: [29 numbers]} or [29 numbers]"
            )
        weights[str(group)] = dict(entry) if isinstance(entry, Mapping) else {alone: entry}
    return _dataset(weights, name)


def _group(name: str) -> Group:
    plain = re.sub(r"^\[[^\]]*\]\s*", "", name)
    plain = _WORDED_GROUPS.get(plain, plain)
    worded = name.startswith("[Query-Specific")
    return Group(plain, "condition" if plain in CONDITION_LABELS or worded else "scenario")


def _dataset(weights: Weights, name: str) -> PairDataset:
    catalogue = paper_properties()
    places: dict[str, int] = {}
    check_count("groups", len(weights), name)
    for entry in weights.values():
        for judge in entry:
            places.setdefault(judge, len(places))
        check_count("judges", len(places), name)
    for what, known in (("group", weights), ("judge", places)):
        for word in known:
            check_text(word, f"The name of a {what}", name)
    names = list(places)
    estimates = np.full((len(weights), len(names), len(catalogue)), np.nan)
    for row, (group, entry) in enumerate(weights.items()):
        for judge, values in entry.items():
            numbers = [number(value) for value in values] if isinstance(values, list) else []
            if len(numbers) != len(catalogue) or None in numbers:
                raise DatasetError(
                    f"The judge {shown(judge)} has {len(numbers)} weights" + (", not all of them numbers." if None in numbers else "."),
                    where=f"{name}, group {shown(group)}",
                    accepted=f"{len(catalogue)} finite numbers, one for each property in the order of the paper",
                )
            estimates[row, places[judge]] = numbers
    groups = [_group(group) for group in weights]
    order = sorted(range(len(groups)), key=lambda i: (groups[i].kind == "condition", i))
    return PairDataset(
        name=name,
        pairs=pd.DataFrame(columns=["scenario", *TEXT_COLUMNS, "model_a", "model_b"], index=pd.Index([], name="pair_id", dtype=object)),
        properties=catalogue,
        comparisons=np.empty((0, len(catalogue))),
        scores=np.empty((0, len(catalogue), 2)),
        judges=tuple(judges.describe(judge) for judge in names),
        verdicts=np.empty((0, len(names), 2)),
        estimates=estimates[order],
        estimate_groups=tuple(groups[i] for i in order),
        notes=("No intervals: posterior means only. The pairs that they came from are not in these files.",),
    )
