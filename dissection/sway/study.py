"""Everything that is told of one judge: what it likes, what each change of a model's answers would gain, and the best of them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.properties import Property
from dissection.regression.model import STANDARD, Model
from dissection.sway.basis import basis, published_posteriors
from dissection.sway.changes import Change
from dissection.sway.gains import Gains, best_changes, cumulative, predicted_gain, single_changes
from dissection.sway.liked import liked

Direction = Literal["liked", "disliked"]
DIRECTIONS: tuple[Direction, ...] = ("liked", "disliked")
TOP = 5
MOST_TOP = 12
RANKED_COLUMNS = ("change", "gain", "low", "high", "changed", "each", "each_low", "each_high", "n", "discovery")


@dataclass(frozen=True, eq=False)
class Study:
    """What sways one judge on one set of pairs.

    Attributes:
        liked: see `liked`.
        properties: of the data.
        singles: what each property gained or lost alone would do.
        changes: "liked": of the discoveries (see `Gains`) those that gain most, at most `top`, one a property, the largest first;
            "disliked": those that lose most.
        together: the same, made together: the first alone, the first two, and so on; None where there is none.
    """

    liked: pd.DataFrame
    properties: tuple[Property, ...]
    singles: Gains
    changes: dict[Direction, list[Change]]
    together: dict[Direction, Gains | None]


def study(
    dataset: PairDataset,
    judge: str,
    groups: Sequence[str] = (),
    answers_of: str | None = None,
    top: int = TOP,
    model: Model = STANDARD,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """Predict for one judge.

    Args:
        dataset: with pairs.
        judge: its name.
        groups: names of scenarios or conditions, whose pairs are taken together; none: all pairs.
        answers_of: a model that is named in the pairs, whose answers change; None: either side.
        top: how many changes are made together, 1 to 12.
        model: of the regression, with an intercept or without.
        seed: of the draws.
        progress: called with (changes done, changes in all).

    Raises:
        InputError: see `basis` and `predicted_gain`; or `top` is out of its range.
        UnknownNameError: a judge, group or model that there is not.
    """
    _check_top(top)
    rest = basis(dataset, judge, groups, model)
    alone = single_changes(dataset)
    size = len(alone) + 2 * top

    def report(start: int) -> Callable[[int, int], None] | None:
        return (lambda done, _: progress(start + done, size)) if progress else None

    singles = predicted_gain(dataset, rest, alone, answers_of, seed, report(0))
    changes: dict[Direction, list[Change]] = {
        "liked": best_changes(singles, alone, top),
        "disliked": best_changes(singles, alone, top, worst=True),
    }
    together: dict[Direction, Gains | None] = {}
    for place, (direction, found) in enumerate(changes.items()):
        sets = list(cumulative(found))
        start = len(alone) + place * top
        together[direction] = predicted_gain(dataset, rest, sets, answers_of, seed, report(start)) if sets else None
    return Study(liked(dataset, [rest.posterior]), dataset.properties, singles, changes, together)


def _check_top(top: int) -> None:
    if not 1 <= top <= MOST_TOP:
        raise InputError(f"The number of changes is {top}.", accepted=f"a whole number from 1 to {MOST_TOP}", remedy=f"use {TOP}")


def ranked(singles: Gains) -> pd.DataFrame:
    """Which change buys most for least: `RANKED_COLUMNS`, most points on the pairs that it changes first.

    `each` is the gain divided by the share of pairs that change: how many points the win rate rises on those alone, from -100 to 100. A change
    that touches few pairs can be first; `gain` and `changed` beside it say what it comes to. Changes that touch no pair are left out.
    """
    table = singles.table[singles.table["changed"] > 0].rename(columns={"changes": "change"})
    return table.sort_values("each", ascending=False, kind="stable", ignore_index=True)[list(RANKED_COLUMNS)]


def changes_by_weight(table: pd.DataFrame, direction: Direction, top: int = TOP) -> list[Change]:
    """The changes that weights alone suggest, where there are no pairs to predict: the largest weights, more of the positive ones.

    Args:
        table: of `liked`.
        direction: "liked", or "disliked" for the opposite of the same.
        top: at most so many, 1 to 12.

    Raises:
        InputError: `top` is out of its range.
    """
    _check_top(top)
    order = table["mean"].abs().sort_values(ascending=False, kind="stable").index[:top]
    rows = [(str(table.loc[place, "property"]), float(table.loc[place, "mean"])) for place in order]
    return [Change(name, (mean > 0) == (direction == "liked")) for name, mean in rows if mean]


def published_likes(dataset: PairDataset, judge: str, groups: Sequence[str] = ()) -> pd.DataFrame:
    """What `liked` says of published weights: the mean over groups (none: all scenarios), without intervals.

    Raises:
        UnknownNameError: a judge or group that there is not.
        InputError: the judge has no weights there.
    """
    return liked(dataset, published_posteriors(dataset, judge, groups))
