"""AnnotatedPairs JSON of Feedback Forensics and Inverse Constitutional AI: pairs with annotations of judges and of principles."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from dissection import properties
from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.readers import native
from dissection.readers.rows import Rows
from dissection.tables import Table
from dissection.verdicts import is_missing, shown, word_verdict

NAME = "annotated-pairs"
DESCRIPTION = "AnnotatedPairs JSON: metadata, annotators, comparisons"
_START = "select the response that "
_SIDES = ("response_a", "response_b")


def recognises(table: Table) -> bool:
    """Whether the file is one JSON object with metadata.version, annotators and comparisons."""
    value = table.values[0] if len(table) == 1 else None
    if not isinstance(value, Mapping) or not {"annotators", "comparisons"} <= set(value):
        return False
    metadata = value.get("metadata")
    return isinstance(metadata, Mapping) and "version" in metadata


def read(table: Table) -> PairDataset:
    """One pair a comparison. Annotators of the type "principle" become properties, the others judges.

    Raises:
        DatasetError: a comparison or an annotation is of another kind; the message names the item.
    """
    value = table.rows[0] if len(table) else {}
    comparisons, annotators = value.get("comparisons"), value.get("annotators")
    if not isinstance(comparisons, list) or not isinstance(annotators, Mapping):
        raise DatasetError(
            "comparisons is no list, or annotators no object.",
            where=table.filename,
            accepted='{"metadata": {"version": …}, "annotators": {id: {…}}, "comparisons": […]}',
        )
    rows = Rows(
        Table(f"{table.filename}, comparisons", "json list", comparisons, range(1, len(comparisons) + 1)),
        frozenset({"id", "prompt", *_SIDES, "annotations", "metadata"}),
    )
    names, meanings = _names(annotators, rows, table.filename)
    ids = rows.ids()
    records = [_record(rows, index, names, meanings) | ({"pair_id": ids[index]} if ids else {}) for index in range(len(rows))]
    rows.check_verdicts()
    dataset = native.read_records(records, table.filename)
    described = tuple(
        property_ if property_.meaning else dataclasses.replace(property_, meaning=meanings.get(property_.name, ""))
        for property_ in dataset.properties
    )
    return dataclasses.replace(dataset, properties=described, notes=rows.finish(dataset))


def _names(annotators: Mapping[str, object], rows: Rows, filename: str) -> tuple[dict[str, str], dict[str, str]]:
    """The name of each annotator, and of those that are principles what they mean, by name."""
    names: dict[str, str] = {}
    meanings: dict[str, str] = {}
    taken: set[str] = set()
    for key, entry in annotators.items():
        if not isinstance(entry, Mapping):
            raise DatasetError(f"The annotator {shown(key)} is {shown(entry)}.", where=filename, accepted='{"description": …, "type": …}')
        description = entry.get("description")
        name = entry.get("name") or description or key
        if entry.get("type") == "principle" and isinstance(name, str):
            # "Select the response that is more concise" → "is more concise", in the catalogue's word for it if there is one.
            name = properties.describe(name[len(_START) :] if name.lower().startswith(_START) else name).name
        name = name if isinstance(name, str) and name.strip() else key
        names[key] = _whole(name if name.casefold() not in taken else f"{name} ({key})")
        taken.add(names[key].casefold())
        if entry.get("type") == "principle":
            meanings[names[key]] = description if isinstance(description, str) else ""
    if meanings:
        rows.said.append(
            f"{len(meanings):,} annotators are principles; they are the properties here. Where a principle does not apply to a pair, or to "
            "both answers alike, the answers count as equal in it."
        )
    return names, meanings


def _whole(name: str) -> str:
    """The name, with a mark for each half of a character, which JSON can say but no page can show."""
    return name.encode("utf-8", "replace").decode()


def _record(rows: Rows, index: int, names: Mapping[str, str], meanings: Mapping[str, str]) -> dict[str, Any]:
    row = rows.rows[index]
    annotations, metadata = row.get("annotations") or {}, row.get("metadata") or {}
    for column, value in (("annotations", annotations), ("metadata", metadata)):
        if not isinstance(value, Mapping):
            raise rows.wrong(index, column, value, "an object")
    assert isinstance(annotations, Mapping)
    assert isinstance(metadata, Mapping)
    sides = [row.get(side) if isinstance(row.get(side), Mapping) else {"text": row.get(side)} for side in _SIDES]
    record: dict[str, Any] = {"query": rows.text(index, "prompt"), "labels": {}, "properties": {}}
    for side, answer in zip("ab", sides, strict=True):
        assert isinstance(answer, Mapping)
        record[f"response_{side}"] = rows.text_of(index, f"response_{side}", answer.get("text"))
        record[f"model_{side}"] = rows.name_of(index, f"response_{side}", answer.get("model"))
    for key, entry in annotations.items():
        if key not in names:
            rows.leave_out("annotations of annotators that are not listed were left out", index, key)
            continue
        if not isinstance(entry, Mapping):
            raise rows.wrong(index, "annotations", entry, '{"pref": "a", "b" or null}')
        if names[key] in meanings:
            record["properties"][names[key]] = {"comparison": _comparison(rows, index, entry)}
        else:
            record["labels"][names[key]] = rows.verdict(index, "pref", entry.get("pref"))
    record["meta"] = {
        rows.whole(index, "metadata", str(key)): value for key, value in metadata.items() if not isinstance(value, Mapping | list)
    }
    return record


def _comparison(rows: Rows, index: int, entry: Mapping[str, object]) -> float | None:
    preferred = entry.get("pref")
    verdict = word_verdict(preferred)
    if verdict is not None and not is_missing(verdict):
        return 2 * verdict - 1
    reason = entry.get("no_pref_reason")
    if verdict is not None and reason == "not_applicable":
        return 0.0
    rows.leave_out("annotations of principles hold no preference and were left out, with their pair", index, reason or preferred)
    return None
