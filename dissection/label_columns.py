"""Labels in columns: what the names of the columns say about whose labels stand where. See `dissection.label_forms`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dissection.errors import LabelError
from dissection.tables import Table
from dissection.verdicts import is_missing, shown

Meaning = Literal["label", "score", "probability", "logprob"]
Row = Mapping[str, object]

MAX_JUDGES: Final = 200
ORDERS: Final = {"ab": 0, "ba": 1}
PAYLOADS: Final[Mapping[Meaning, tuple[str, ...]]] = {
    "label": ("label",),
    "score": ("score_a", "score_b"),
    "probability": ("p_a",),
    "logprob": ("logprob_a", "logprob_b"),
}
ACCEPTED_FORMS: Final = (
    "columns pair_id,<judge>[,<judge>…]; pair_id,judge,label; pair_id,score_a,score_b; pair_id,p_a; pair_id,logprob_a,logprob_b; "
    "each with an order column (ab/ba) or with .ab and .ba columns; a JSON object {pair_id: label}; a list with one label a pair"
)
_WORDS: Final[Mapping[Meaning, str]] = {
    "label": "labels",
    "score": "a score for each answer (the higher wins)",
    "probability": "probabilities that A is preferred",
    "logprob": "log-probabilities of A and B",
}


@dataclass(frozen=True)
class Column:
    """The cells of one judge.

    Attributes:
        judge: its name, None where the file doesn't say.
        meaning: how a cell is to be read.
        names: for each order (0: A first or not known, 1: B first, None: as the row says) the column names, one or two.
        rows: the positions of the judge's rows.
    """

    judge: str | None
    meaning: Meaning
    names: tuple[tuple[int | None, tuple[str, ...]], ...]
    rows: Sequence[int]


@dataclass(frozen=True)
class Layout:
    """A file of labels, understood: its form in words, its rows with their numbers for people, and the columns of each judge."""

    form: str
    unit: str
    rows: Sequence[Row]
    numbers: Sequence[int]
    id_column: str
    order_column: str | None
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()


def find(columns: Sequence[str], name: str) -> str | None:
    """The column of this name in any case; None where there is none.

    Raises:
        LabelError: there are several.
    """
    found = [column for column in columns if column.strip().lower() == name]
    if len(found) > 1:
        raise LabelError(f"The columns {shown(found[0])} and {shown(found[1])} are the same name.", remedy="rename or remove one of them")
    return found[0] if found else None


def rows_layout(table: Table, rows: Sequence[Row], numbers: Sequence[int]) -> Layout:
    """The form of rows with a pair_id column.

    Raises:
        LabelError: the columns have none of the known forms, or two of them at once.
        FileError: a row is not an object, or there are too many columns.
    """
    columns = table.columns
    where = f"{table.filename}, columns {', '.join(shown(name) for name in columns[:12])}{' …' if len(columns) > 12 else ''}"
    id_column = find(columns, "pair_id")
    if id_column is None:
        raise LabelError("There is no column pair_id.", where=where, accepted=ACCEPTED_FORMS, remedy="name the column of ids pair_id")
    order, judge = find(columns, "order"), find(columns, "judge")
    payload = _payload(columns, order, where)
    rest = [name for name in columns if name not in (id_column, order, judge)]
    notes = [f"{sum(not name.strip() for name in rest)} columns without a name were left out."] if any(not n.strip() for n in rest) else []
    rest = [name for name in rest if name.strip()]
    if payload is None:
        if judge:
            raise LabelError(
                "There is a column judge but no column label.", where=where, accepted=ACCEPTED_FORMS, remedy="name the labels' column label"
            )
        return Layout(
            f"one column a judge{_said_order(order)}",
            table.unit,
            rows,
            numbers,
            id_column,
            order,
            _wide(rest, order, len(rows), where),
            tuple(notes),
        )
    meaning, names = payload
    used = {name for _, group in names for name in group}
    unused = [name for name in rest if name not in used]
    if unused:
        notes.append(f"Columns left out: {', '.join(shown(name) for name in unused[:10])}{' …' if len(unused) > 10 else ''}.")
    found = _by_judge(table, rows, judge) if judge else {None: range(len(rows))}
    form = f"{_WORDS[meaning]}, {'one row a pair and judge' if judge else 'one row a pair'}{_said_order(order or len(names) > 1)}"
    made = tuple(Column(name, meaning, names, positions) for name, positions in found.items())
    return Layout(form, table.unit, rows, numbers, id_column, order, made, tuple(notes))


def _said_order(order: object) -> str:
    return ", with the order of the answers" if order else ""


def _payload(
    columns: Sequence[str], order: str | None, where: str
) -> tuple[Meaning, tuple[tuple[int | None, tuple[str, ...]], ...]] | None:
    """What the reserved column names say: the meaning of the labels and their columns, by order."""
    found: list[tuple[Meaning, int | None, tuple[str, ...]]] = []
    for meaning, reserved in PAYLOADS.items():
        for suffix, at in (("", None), (".ab", 0), (".ba", 1)):
            names = [find(columns, name + suffix) for name in reserved]
            present = tuple(name for name in names if name)
            if present and len(present) < len(reserved):
                missing = reserved[0] + suffix if names[0] is None else reserved[1] + suffix
                raise LabelError(
                    f"There is {present[0]} but no {missing}.", where=where, accepted=ACCEPTED_FORMS, remedy=f"add the column {missing}"
                )
            if present:
                found.append((meaning, at, present))
    if len({meaning for meaning, _, _ in found}) > 1:
        raise LabelError(
            f"The file has two kinds of labels: {found[0][2][0]} and {found[-1][2][0]}.",
            where=where,
            accepted=ACCEPTED_FORMS,
            remedy="keep one of them",
        )
    if not found:
        return None
    _check_orders([at for _, at, _ in found], found[0][2][0], order, where)
    return found[0][0], tuple((at, names) for _, at, names in found)


def _check_orders(orders: Sequence[int | None], name: str, order: str | None, where: str) -> None:
    said = [at for at in orders if at is not None]
    if said and (order or len(said) < len(orders)):
        raise LabelError(
            f"The order is said twice: {shown(name)} has .ab or .ba columns and {'an order column' if order else 'also one without'}.",
            where=where,
            accepted="an order column, or .ab and .ba columns, or neither",
            remedy="keep one of them",
        )


def _wide(names: Sequence[str], order: str | None, rows: int, where: str) -> tuple[Column, ...]:
    judges: dict[str, list[tuple[int | None, tuple[str, ...]]]] = {}
    for name in names:
        base, _, suffix = name.strip().rpartition(".")
        at = ORDERS.get(suffix.lower()) if base else None
        judges.setdefault(base if at is not None else name.strip(), []).append((at, (name,)))
    if not judges:
        raise LabelError("There is no column of labels.", where=where, accepted=ACCEPTED_FORMS, remedy="add a column named after the judge")
    _check_count(len(judges), where)
    for judge, found in judges.items():
        _check_orders([at for at, _ in found], judge, order, where)
        if len({at for at, _ in found}) < len(found):
            raise LabelError(f"The judge {shown(judge)} has two columns for one order.", where=where, remedy="rename or remove one of them")
    return tuple(Column(judge, "label", tuple(found), range(rows)) for judge, found in judges.items())


def _by_judge(table: Table, rows: Sequence[Row], judge: str) -> dict[str | None, Sequence[int]]:
    found: dict[str | None, list[int]] = {}
    for position, row in enumerate(rows):
        value = row.get(judge)
        name = None if is_missing(value) else str(value).strip()[:1000] if isinstance(value, str | int | float) else shown(value)
        found.setdefault(name or None, []).append(position)
        _check_count(len(found), table.filename)
    return dict(found)


def _check_count(judges: int, where: str) -> None:
    if judges > MAX_JUDGES:
        raise LabelError(
            f"There are more than {MAX_JUDGES} judges.",
            where=where,
            accepted=f"at most {MAX_JUDGES} judges a file",
            remedy="check that the judges are named in the header or in the column judge, or split the file",
        )
