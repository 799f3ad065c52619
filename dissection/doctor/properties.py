"""Checks of comparisons: properties that never or hardly differ, are not assessed, are too large, or say the same as another."""

import numpy as np

from dissection.dataset import BoolArray
from dissection.doctor.finding import MOST_EXAMPLES, Example, Finding, names, percent
from dissection.doctor.view import View
from dissection.wording import count

FEW_DIFFERENCES = 20
LARGE_COMPARISON = 3
MANY_NOT_ASSESSED = 0.1


def _properties(number: int) -> str:
    return count(number, "property", "properties")


def _differs(view: View) -> BoolArray:
    return np.asarray(np.nan_to_num(view.dataset.comparisons) != 0)


def never_differs(view: View) -> Finding | None:
    """Properties in which the answers of no pair differ."""
    differing = np.asarray(_differs(view).any(axis=0))
    idle = [name for name, differs in zip(view.dataset.property_names, differing, strict=True) if not differs]
    if not idle:
        return None
    return Finding(
        "property-never-differs",
        "odd",
        f"{_properties(len(idle))} never {'differs' if len(idle) == 1 else 'differ'} between the answers: {names(idle)}",
        "No verdict can say anything about what is always equal; what is shown for it is the prior.",
        len(idle),
        percent(len(idle), len(view.dataset.properties)),
        "property",
        tuple(Example("", name) for name in idle[:MOST_EXAMPLES]),
        "add pairs that differ in it, or leave the property out",
    )


def seldom_differs(view: View) -> Finding | None:
    """Properties that differ on a few pairs only."""
    differs = _differs(view)
    sizes = differs.sum(axis=0)
    columns = [int(column) for column in np.argsort(sizes, kind="stable") if 0 < sizes[column] < FEW_DIFFERENCES]
    if not columns:
        return None
    known = view.dataset.property_names
    return Finding(
        "property-seldom-differs",
        "odd",
        f"{_properties(len(columns))} {'differs' if len(columns) == 1 else 'differ'} on fewer than {FEW_DIFFERENCES} pairs: "
        f"{names(f'{known[column]} ({sizes[column]})' for column in columns)}",
        "So few pairs leave a wide interval around its weight.",
        len(columns),
        percent(len(columns), len(known)),
        "property",
        tuple(
            Example(view.pair_id(int(differs[:, column].argmax())), f"{known[column]}: {count(int(sizes[column]), 'pair')}")
            for column in columns[:MOST_EXAMPLES]
        ),
        "add pairs that differ in it",
    )


def not_assessed(view: View) -> Finding | None:
    """Pairs with a property that was not compared."""
    absent = np.isnan(view.dataset.comparisons)
    rows = np.flatnonzero(absent.any(axis=1))
    if not len(rows):
        return None
    known, sizes = view.dataset.property_names, absent.sum(axis=0)
    worst = [int(column) for column in np.argsort(-sizes, kind="stable") if sizes[column]]
    return Finding(
        "not-assessed",
        "problem" if len(rows) >= MANY_NOT_ASSESSED * view.n else "odd",
        f"{count(len(rows), 'pair')} {'has' if len(rows) == 1 else 'have'} a property that was not assessed: "
        f"{names(f'{known[column]} ({sizes[column]:,})' for column in worst)}",
        "Pairs are only fitted where every property was compared, so these are left out of fits.",
        len(rows),
        percent(len(rows), view.n),
        examples=view.examples(rows, lambda row: "no " + names((known[i] for i in np.flatnonzero(absent[row])), 3)),
        remedy="assess these pairs, or leave out a property that is seldom assessed",
    )


def large_comparisons(view: View) -> Finding | None:
    """Properties with comparisons far from -1, 0 and +1."""
    sizes = np.nan_to_num(np.abs(view.dataset.comparisons))
    largest = sizes.max(axis=0, initial=0.0)
    columns = [int(column) for column in np.argsort(-largest, kind="stable") if largest[column] > LARGE_COMPARISON]
    if not columns:
        return None
    known, beyond = view.dataset.property_names, sizes > LARGE_COMPARISON
    rows = int(beyond.any(axis=1).sum())
    return Finding(
        "large-comparisons",
        "problem",
        f"{count(rows, 'pair')} {'has' if rows == 1 else 'have'} comparisons beyond ±{LARGE_COMPARISON}: "
        f"{names(f'{known[column]} (up to {largest[column]:g})' for column in columns)}",
        "They make intervals rough, and much larger ones leave no interval at all.",
        rows,
        percent(rows, view.n),
        examples=tuple(
            Example(view.pair_id(int(sizes[:, column].argmax())), f"{known[column]}: {largest[column]:g}")
            for column in columns[:MOST_EXAMPLES]
        ),
        remedy="give the scores of both answers, which are compared by sign, or divide them",
    )


def same_properties(view: View) -> Finding | None:
    """Properties whose comparisons are those of an earlier property on every pair, or their opposite."""
    found: dict[bytes, list[str]] = {}
    for name, column in zip(view.dataset.property_names, view.dataset.comparisons.T, strict=True):
        values = np.nan_to_num(column, nan=np.inf)
        nonzero = column[np.nan_to_num(column) != 0]
        if len(nonzero):
            sign = np.sign(nonzero[0])
            # Not assessed stays the same in the opposite; adding 0 makes a zero of -0.
            key = np.where(np.isinf(values), values, sign * values) + 0.0
            found.setdefault(key.tobytes(), []).append(name)
    alike = [same for same in found.values() if len(same) > 1]
    if not alike:
        return None
    rows = sum(len(same) - 1 for same in alike)
    return Finding(
        "same-properties",
        "problem",
        f"{_properties(rows)} {'repeats' if rows == 1 else 'repeat'} another on every pair, or its opposite: "
        f"{names(' = '.join(same) for same in alike)}",
        "No verdict can tell them apart: the prior shares one weight out among them.",
        rows,
        percent(rows, len(view.dataset.properties)),
        "property",
        tuple(Example("", " = ".join(same)) for same in alike[:MOST_EXAMPLES]),
        "keep one of them",
    )


CHECKS = (large_comparisons, same_properties, not_assessed, never_differs, seldom_differs)
