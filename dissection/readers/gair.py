"""The annotated pairs of Li et al., Dissecting Human and LLM Preferences (ACL 2024): GAIR/preference-dissection on the Hub.

The 29 properties come out in the order of the published weights; how ratings become comparisons is in `gair_scores`.
"""

import dataclasses
from typing import Any, Final

import numpy as np

from dissection import properties
from dissection.dataset import PairDataset
from dissection.readers import native
from dissection.readers.gair_scores import accuracy, basic, length, part, specific
from dissection.readers.rows import Rows, has_columns
from dissection.tables import Table

NAME = "gair"
DESCRIPTION = "GAIR/preference-dissection: scenario_group, preference_labels, basic_response_1 and errors_response_1"
_LISTS: Final = {
    "w_constraints": "explicit constraints",
    "w_stances": "explicit subjective stances",
    "w_mistakes": "explicit mistakes or biases",
}
_PARTS: Final = ("response", "basic_response", "errors_response", "query-specific_response")
_READ: Final = frozenset(
    {f"{part}_{side}" for part in _PARTS for side in (1, 2)}
    | {"query", "scenario_group", "clear intent", "explicitly express feelings", "preference_labels", "gpt-4-turbo_reference"}
    | set(_LISTS.values())
)


def recognises(table: Table) -> bool:
    """Whether the first rows have the columns of the paper's data."""
    return has_columns(table, "scenario_auto-j", "scenario_group", "preference_labels", "basic_response_1")


def read(table: Table) -> PairDataset:
    """One pair a row, with 29 properties, the judges of `preference_labels`, its scenarios and five conditions.

    Raises:
        DatasetError: a field is missing or of another kind; the message names row and field.
    """
    rows = Rows(table, _READ)
    dataset = native.read_records((_record(rows, index) for index in range(len(rows))), table.filename, len(rows))
    rows.check_verdicts()
    unchecked = int(np.isnan(dataset.comparisons[:, dataset.property_names.index("no severe errors")]).sum())
    if unchecked:
        rows.said.append(f"In {unchecked:,} of {len(rows):,} pairs the accuracy of an answer could not be checked; fits leave them out.")
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _record(rows: Rows, index: int) -> dict[str, Any]:
    conditions = _conditions(rows, index)
    texts = [part(rows, index, f"response_{side}") for side in (1, 2)]
    labels = part(rows, index, "preference_labels")
    compared = {**basic(rows, index), **accuracy(rows, index), **specific(rows, index, conditions), "longer": length(rows, index)}
    return {
        "scenario": rows.name(index, "scenario_group"),
        "conditions": conditions,
        "query": rows.text(index, "query"),
        **{f"response_{side}": rows.text_of(index, "response", text.get("content")) for side, text in zip("ab", texts, strict=True)},
        **{f"model_{side}": rows.name_of(index, "response", text.get("model")) for side, text in zip("ab", texts, strict=True)},
        "labels": {
            rows.whole(index, "preference_labels", str(judge)): rows.verdict(index, "preference_labels", value)
            for judge, value in labels.items()
        },
        "properties": {property_.name: compared[property_.name] for property_ in properties.paper_properties()},
        "meta": rows.meta(index),
    }


def _conditions(rows: Rows, index: int) -> list[str]:
    found = []
    for name, column, sign in (("intent_unclear", "clear intent", "no"), ("express_feeling", "explicitly express feelings", "yes")):
        value = rows.rows[index].get(column)
        said = value.strip().casefold() if isinstance(value, str) else value
        if said not in ("yes", "no"):
            raise rows.wrong(index, column, value, "Yes or No")
        if said == sign:
            found.append(name)
    for name, column in _LISTS.items():
        value = rows.rows[index].get(column)
        if value is not None and not isinstance(value, list):
            raise rows.wrong(index, column, value, "a list")
        if value:
            found.append(name)
    return found
