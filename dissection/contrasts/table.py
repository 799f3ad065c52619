"""Contrasts as rows, with the false discovery rate kept over all of them."""

from collections.abc import Sequence

import pandas as pd

from dissection.contrasts.paired import Contrast
from dissection.regression.discoveries import LEVEL, discoveries

COLUMNS = (
    "first", "first_group", "second", "second_group", "property", "first_mean", "second_mean", "difference", "low", "high", "sd", "rho",
    "direction", "real", "decided", "discovery", "n_first", "n_second", "n_common", "differs_first", "differs_second", "resamples", "seed",
    "note",
)  # fmt: skip


def difference_table(found: Sequence[Contrast], level: float = LEVEL) -> pd.DataFrame:
    """One row a contrast × property, in log-odds.

    Args:
        found: contrasts of one view.
        level: the false discovery rate over all rows (Benjamini & Hochberg, see `discoveries`).

    Returns:
        `first`, `first_group`, `second`, `second_group`, `property`, `first_mean`, `second_mean`, `difference`, `low`, `high`, `sd`,
        `rho`, `direction` (probability that the difference is positive), `real` (that it has the sign that was found), `decided`,
        `discovery`, `n_first`, `n_second`, `n_common`, `differs_first`, `differs_second` (pairs on which the answers differ in the
        property), `resamples`, `seed`, `note`.

    Raises:
        InputError: the level is not between 0 and 1.
    """
    frames = [_rows(one) for one in found]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[name for name in COLUMNS if name != "discovery"])
    table["discovery"] = discoveries(table.assign(status="fitted"), level)
    return table[list(COLUMNS)]


def _rows(one: Contrast) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first": one.first.judge,
            "first_group": one.first.group.name,
            "second": one.second.judge,
            "second_group": one.second.group.name,
            "property": one.properties,
            "first_mean": one.first.mean,
            "second_mean": one.second.mean,
            **{name: getattr(one, name) for name in ("difference", "low", "high", "sd", "rho", "direction", "real", "decided")},
            "n_first": one.first.n,
            "n_second": one.second.n,
            "n_common": one.n_common,
            "differs_first": one.first.differs,
            "differs_second": one.second.differs,
            "resamples": one.resamples,
            "seed": one.seed,
            "note": one.note,
        }
    )
