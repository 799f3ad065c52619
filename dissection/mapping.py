"""A table that no reader knows: which column is what, proposed with reasons, corrected by the user, kept as JSON and used again."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, FileError, InputError
from dissection.readers import native, with_properties
from dissection.readers.judgments import Gathered, Judgment, Side
from dissection.readers.rows import Rows
from dissection.tables import Table
from dissection.verdicts import is_missing, number, shown, word_verdict

FIELDS: Final = (
    "pair_id",
    "query",
    "response_a",
    "response_b",
    "winner",
    "score_a",
    "score_b",
    "judge",
    "scenario",
    "model_a",
    "model_b",
)
SIDES: Final = {"a": 1.0, "b": 0.0, "tie": 0.5, "none": float("nan")}
SAMPLE = 200
MOST_SCENARIOS = 100
_NAMES: Final[dict[str, str]] = {
    "pair_id": r"(pair|comparison|sample|example|question|prompt)?_?(id|uid|idx|index)",
    "query": r"(user_?)?(query|prompt|question|instruction|input|request|task)(_text)?",
    "response_a": r"(response|answer|output|completion|reply|text|candidate|summary)_?(a|1|left|first)|(left|first)_(response|answer|output)|a|chosen",
    "response_b": r"(response|answer|output|completion|reply|text|candidate|summary)_?(b|2|right|second)|(right|second)_(response|answer|output)|b|rejected",
    "winner": r"winner|preference|preferred|label|verdict|choice|better|best|vote|decision|outcome|human_(label|preference)",
    "score_a": r"(score|rating|grade)_?(a|1|left|first)",
    "score_b": r"(score|rating|grade)_?(b|2|right|second)",
    "judge": r"judge|annotator|rater|evaluator|labell?er|worker|assessor|(judge|annotator|rater)_(id|name|model)",
    "scenario": r"scenario|category|subset|domain|topic|task_type|group|section|source",
    "model_a": r"(model|generator|system)_?(a|1|left|first)",
    "model_b": r"(model|generator|system)_?(b|2|right|second)",
}
_PROPERTY_SIDES: Final = ((r"(.+?)[_. ]?(?:a|1)", r"(.+?)[_. ]?(?:b|2)"), (r"(?:a|1)[_. ](.+)", r"(?:b|2)[_. ](.+)"))


@dataclass(frozen=True)
class ColumnMapping:
    """Which column is what.

    Attributes:
        columns: field (one of `FIELDS`) → column.
        properties: property → its columns: the scores of A and B, or one column that holds the comparison (+1: A has more).
        judge_name: of the judge where no column names one.
        verdicts: values of the winner column that are no known word → "a", "b", "tie" or "none".
    """

    columns: Mapping[str, str]
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judge_name: str = "judge"
    verdicts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """For a file."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "the mapping") -> "ColumnMapping":
        """From `to_json`.

        Raises:
            FileError: it is no JSON object of that form; the message says what is wrong.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FileError(f"The mapping is no JSON: {error}.", where=where, accepted="a mapping that was saved here") from error
        if not isinstance(found, dict) or not isinstance(found.get("columns"), dict):
            raise FileError("The mapping has no columns.", where=where, accepted='an object with "columns": {field: column}')
        parts = {"columns": str, "properties": list, "verdicts": str}
        for part, kind in parts.items():
            values = found.get(part, {})
            if not isinstance(values, dict) or not all(isinstance(value, kind) for value in values.values()):
                raise FileError(f"{part} of the mapping is {shown(values)}.", where=where, accepted=f"an object: name → {kind.__name__}")
        mapping = cls(
            dict(found["columns"]),
            {name: tuple(str(column) for column in columns) for name, columns in found.get("properties", {}).items()},
            str(found.get("judge_name", "judge")),
            dict(found.get("verdicts", {})),
        )
        _check_words(mapping, where)
        return mapping


@dataclass(frozen=True)
class Proposal:
    """A mapping, and why each column was taken for what it is: field → sentence."""

    mapping: ColumnMapping
    reasons: Mapping[str, str]


def _check_words(mapping: ColumnMapping, where: str) -> None:
    unknown = [name for name in mapping.columns if name not in FIELDS]
    if unknown:
        raise InputError(f"The mapping has no field {unknown[0]!r}.", where=where, accepted=", ".join(FIELDS))
    sides = [side for side in mapping.verdicts.values() if side not in SIDES]
    if sides:
        raise InputError(f"A verdict of the mapping stands for {sides[0]!r}.", where=where, accepted=", ".join(SIDES))


def propose(table: Table) -> Proposal:
    """Which column is probably what, by its name and by what is in it.

    Raises:
        FileError: the rows are no objects.
    """
    columns = [name for name in table.columns if name]
    found: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for name, pattern in _NAMES.items():
        for column in columns:
            if column in found.values() or not re.fullmatch(pattern, column.strip(), re.IGNORECASE):
                continue
            if fits := _fits(name, _cells(table, column)):
                found[name], reasons[name] = column, f"named {shown(column)}, and {fits}"
                break
    properties = _proposed_properties(table, [column for column in columns if column not in found.values()])
    reasons |= {f"property {name}": f"two columns of numbers, {' and '.join(map(shown, pair))}" for name, pair in properties.items()}
    for name in ("score_a", "score_b") if "winner" in found else ():
        found.pop(name, None)
        reasons.pop(name, None)
    return Proposal(ColumnMapping(found, properties), reasons)


def _cells(table: Table, column: str) -> list[object]:
    return [row[column] for row in table.rows[:SAMPLE] if not is_missing(row.get(column)) and row.get(column) != ""]


def _fits(name: str, cells: Sequence[object]) -> str:
    """What in the cells speaks for the field; empty where they speak against it."""
    if not cells:
        return ""
    texts = all(isinstance(cell, str) for cell in cells)
    if name in ("query", "response_a", "response_b"):
        return f"its {len(cells)} first cells are texts" if texts else ""
    if name in ("score_a", "score_b"):
        return "its cells are numbers" if all(number(cell) is not None for cell in cells) else ""
    different = len({str(cell) for cell in cells})
    if name == "winner":
        known = sum(word_verdict(cell) is not None for cell in cells)
        return f"{known} of {len(cells)} cells say a side" if known or different <= 5 else ""
    if name == "pair_id":
        return f"{different} of {len(cells)} cells differ" if different == len(cells) else ""
    if name == "scenario" and different > MOST_SCENARIOS:
        return ""
    return f"it has {different} values"


def _proposed_properties(table: Table, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Pairs of number columns whose names differ in the side alone."""
    numeric = [column for column in columns if (cells := _cells(table, column)) and all(number(cell) is not None for cell in cells)]
    found: dict[str, tuple[str, ...]] = {}
    for left, right in _PROPERTY_SIDES:
        for column in numeric:
            match = re.fullmatch(left, column, re.IGNORECASE)
            other = next((c for c in numeric if match and (m := re.fullmatch(right, c, re.IGNORECASE)) and m[1] == match[1]), None)
            if match and other and not any(column in pair or other in pair for pair in found.values()):
                found[match[1].strip("_. ")] = (column, other)
    return found


def read_mapped(table: Table, mapping: ColumnMapping) -> PairDataset:
    """The dataset that a mapping makes of a table; with a judge column, rows of one pair are gathered.

    Raises:
        InputError: a field or column that is not there, or two fields that don't go together.
        DatasetError: a cell of the wrong kind, or no verdict that can be read.
    """
    _check(table, mapping)
    used = {*mapping.columns.values(), *(column for pair in mapping.properties.values() for column in pair)}
    rows = Rows(table, frozenset(used))
    if "judge" in mapping.columns:
        dataset = native.read_records(_gathered(rows, mapping), table.filename)
    else:
        dataset = native.read_records((_record(rows, mapping, index) for index in range(len(rows))), table.filename, len(rows))
    if "winner" in mapping.columns:
        rows.check_verdicts()
    return with_properties(dataclasses.replace(dataset, notes=("Read by a column mapping.", *rows.finish(dataset))))


def _check(table: Table, mapping: ColumnMapping) -> None:
    _check_words(mapping, table.filename)
    if not len(table):
        raise DatasetError(
            "There are no pairs.", where=table.filename, accepted="at least one row", remedy="check that the file is complete"
        )
    named = [*mapping.columns.items(), *((f"property {name}", column) for name, pair in mapping.properties.items() for column in pair)]
    for name, column in named:
        if column not in table.columns:
            raise InputError(f"There is no column {column!r} for {name}.", where=table.filename, accepted=", ".join(table.columns[:40]))
    wrong = [name for name, pair in mapping.properties.items() if len(pair) not in (1, 2)]
    if wrong:
        raise InputError(
            f"The property {wrong[0]!r} has {len(mapping.properties[wrong[0]])} columns.", accepted="one (the comparison) or two (A and B)"
        )
    fields = set(mapping.columns)
    if "winner" in fields and fields & {"score_a", "score_b"}:
        raise InputError(
            "The mapping has a winner and scores.", accepted="a winner, or score_a and score_b", remedy="leave one of them out"
        )
    if len(fields & {"score_a", "score_b"}) == 1:
        raise InputError("The mapping has one score.", accepted="score_a and score_b", remedy="add the other one")
    if len(fields & {"response_a", "response_b"}) == 1:
        raise InputError("The mapping has one answer.", accepted="response_a and response_b", remedy="add the other one")


def _verdict(rows: Rows, mapping: ColumnMapping, index: int) -> float:
    row = rows.rows[index]
    if winner := mapping.columns.get("winner"):
        value = row.get(winner)
        said = mapping.verdicts.get(str(value))
        return rows.verdict(index, winner, value) if said is None else rows.counted(index, winner, SIDES[said], value)
    if "score_a" not in mapping.columns:
        return float("nan")
    a, b = (rows.number(index, "scores", row.get(mapping.columns[side])) for side in ("score_a", "score_b"))
    return float("nan") if a != a or b != b else float(a > b) + 0.5 * (a == b)


def _text(read: Callable[[int, str], str | None], mapping: ColumnMapping, name: str, index: int) -> str | None:
    return read(index, mapping.columns[name]) if name in mapping.columns else None


def _properties(rows: Rows, mapping: ColumnMapping, index: int) -> dict[str, dict[str, float]]:
    found = {}
    for name, columns in mapping.properties.items():
        values = [rows.number(index, f"values of the property {shown(name)}", rows.rows[index].get(column)) for column in columns]
        found[name] = {"comparison": values[0]} if len(values) == 1 else dict(zip("ab", values, strict=True))
    return found


def _record(rows: Rows, mapping: ColumnMapping, index: int) -> dict[str, Any]:
    record: dict[str, Any] = {name: _text(rows.text, mapping, name, index) for name in ("query", "response_a", "response_b")}
    record |= {name: _text(rows.name, mapping, name, index) for name in ("pair_id", "scenario", "model_a", "model_b")}
    judged = {"winner", "score_a"} & set(mapping.columns)
    record["labels"] = {mapping.judge_name: _verdict(rows, mapping, index)} if judged else {}
    record["properties"] = _properties(rows, mapping, index)
    return record | {"meta": rows.meta(index)}


def _gathered(rows: Rows, mapping: ColumnMapping) -> Gathered:
    """One record a pair from one row a judgment; scenario and properties are those of the pair's first row."""
    judges = rows.judges(mapping.columns["judge"], mapping.judge_name)
    return Gathered((_judgment(rows, mapping, index, judge) for index, judge in enumerate(judges)), rows)


def _judgment(rows: Rows, mapping: ColumnMapping, index: int, judge: str) -> Judgment:
    record = _record(rows, mapping, index)
    return Judgment(
        about=(record["pair_id"], record["query"]),
        pair_id=record["pair_id"] or f"row {index}",
        query=record["query"],
        first=Side(record["model_a"], record["response_a"]),
        second=Side(record["model_b"], record["response_b"]),
        judge=judge,
        verdict=next(iter(record["labels"].values()), float("nan")),
        meta=record["meta"],
        of_pair={part: record[part] for part in ("scenario", "properties")},
    )
