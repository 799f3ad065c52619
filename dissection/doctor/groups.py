"""Checks of scenarios and conditions: those with few pairs. Each is named once, by the lowest of the bounds that it is under."""

from dissection.doctor.finding import MOST_EXAMPLES, Example, Finding, Severity, names, percent
from dissection.doctor.view import View
from dissection.wording import count

TINY = 10
FEW_PAIRS = 50


def _few(view: View, code: str, severity: Severity, least: int, below: int, what: str, explanation: str) -> Finding | None:
    small = sorted(((n, group, row) for group, n, row in view.groups if least <= n < below), key=lambda item: item[0])
    if not small:
        return None
    return Finding(
        code,
        severity,
        f"{count(len(small), 'group')} {'has' if len(small) == 1 else 'have'} {what}: {names(f'{group.label} ({n})' for n, group, _ in small)}",
        explanation,
        len(small),
        percent(len(small), len(view.groups)),
        "group",
        tuple(Example(view.pair_id(row) if n else "", f"{group.label}: {count(n, 'pair')}") for n, group, row in small[:MOST_EXAMPLES]),
        "add pairs, join small scenarios, or use the pooled model, in which scenarios share what they have in common",
    )


def tiny_groups(view: View) -> Finding | None:
    """Groups with fewer than 10 pairs."""
    return _few(
        view, "tiny-groups", "problem", 0, TINY, f"fewer than {TINY} pairs", "From so few pairs hardly anything but the prior is seen."
    )


def groups_below_properties(view: View) -> Finding | None:
    """Larger groups that still have fewer pairs than there are properties."""
    d = len(view.dataset.properties)
    return _few(
        view,
        "groups-below-properties",
        "odd",
        TINY,
        d,
        f"fewer pairs than there are properties ({d})",
        "With fewer pairs than properties, weights are mostly the prior.",
    )


def small_groups(view: View) -> Finding | None:
    """Larger groups with fewer than 50 pairs."""
    least = max(TINY, len(view.dataset.properties))
    return _few(
        view,
        "small-groups",
        "odd",
        least,
        FEW_PAIRS,
        f"fewer than {FEW_PAIRS} pairs",
        "Only large effects can be told apart from the prior in so few pairs.",
    )


CHECKS = (tiny_groups, groups_below_properties, small_groups)
