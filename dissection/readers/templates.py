"""A small dataset in the native form, to fill in."""

import csv
import io
import json
from typing import Any

_RECORDS: tuple[dict[str, Any], ...] = (
    {
        "pair_id": "p-001",
        "scenario": "Advice",
        "conditions": ["w_constraints"],
        "query": "How do I keep basil alive indoors? Two sentences, please.",
        "response_a": "Give it a bright window and water it when the top of the soil is dry.",
        "response_b": "Basil is a herb. It is green. It is nice.",
        "model_a": "model-x",
        "model_b": "model-y",
        "labels": {"human": "a", "my-judge": {"ab": "a", "ba": "a"}, "reward-model": 0.91},
        "properties": {"polite": {"a": 2, "b": 2}, "rich information": {"a": 3, "b": 1}, "no severe errors": {"comparison": 0}},
        "meta": {"language": "en"},
    },
    {
        "pair_id": "p-002",
        "scenario": "Code",
        "conditions": [],
        "query": "What does len([]) return in Python?",
        "response_a": "It returns None.",
        "response_b": "It returns 0, as the list is empty.",
        "model_a": "model-y",
        "model_b": "model-x",
        "labels": {"human": "b", "my-judge": {"ab": "b", "ba": "a"}, "reward-model": 0.08},
        "properties": {"polite": {"a": 1, "b": 2}, "rich information": {"a": 0, "b": 1}, "no severe errors": {"comparison": -1}},
        "meta": {"language": "en"},
    },
)


def json_lines() -> str:
    """The template as JSON Lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in _RECORDS)


def dotted_csv() -> str:
    """The same as CSV with dotted columns."""
    rows = [_flat(record) for record in _RECORDS]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in record.items():
        if key == "conditions":
            row[key] = ";".join(value)
        elif isinstance(value, dict):
            section = {"labels": "label", "properties": "property"}.get(key, key)
            for name, entry in value.items():
                if not isinstance(entry, dict):
                    row[f"{section}.{name}"] = entry
                elif "comparison" in entry:
                    row[f"{section}.{name}"] = entry["comparison"]
                else:
                    row.update({f"{section}.{name}.{side}": part for side, part in entry.items()})
        else:
            row[key] = value
    return row
