"""What heatmaps and dot plots draw: the percentage preferred, 100·σ(weight), its order on the axes and its words under the pointer."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dissection.clusters import cluster
from dissection.dataset import group_label
from dissection.errors import UnknownNameError
from dissection.figures.style import plain
from dissection.properties import FAMILIES, Property
from dissection.regression.posterior import Posterior, effects_frame, probability

STATUS_WORDS = {
    "not pooled": "no numbers: conditions overlap with scenarios and are not pooled",
    "not converged": "no numbers: not converged",
}
PROPERTY_ORDERS = ("family", "value", "cluster", "name")


def percent_frame(posteriors: Sequence[Posterior]) -> pd.DataFrame:
    """`effects_frame` with `percent`, `percent_low` and `percent_high`: how often preferred if better only on this property."""
    frame = effects_frame(posteriors)
    for column, source in (("percent", "mean"), ("percent_low", "low"), ("percent_high", "high")):
        frame[column] = probability(frame[source].to_numpy(dtype=float))
    return frame


def order_properties(frame: pd.DataFrame, properties: Sequence[Property], by: str) -> list[str]:
    """Property names in the order asked for.

    Args:
        frame: of `percent_frame`, the cells in view.
        properties: of the dataset.
        by: "family" (then by mean weight), "value" (mean weight), "cluster" (alike over the rows in view) or "name".

    Raises:
        UnknownNameError: `by` is none of these.
    """
    if by not in PROPERTY_ORDERS:
        raise UnknownNameError(f"There is no order {by!r}.", accepted=", ".join(PROPERTY_ORDERS))
    names = [property_.name for property_ in properties]
    if by == "name":
        return sorted(names, key=str.casefold)
    value = frame.groupby("property", sort=False)["mean"].mean().fillna(0).to_dict()
    by_value = sorted(names, key=lambda name: -value.get(name, 0.0))
    if by == "value":
        return by_value
    if by == "family":
        family = {property_.name: FAMILIES.index(property_.family) for property_ in properties}
        return sorted(by_value, key=lambda name: family[name])
    table = frame.set_index(["property", "judge", "group"])["mean"].unstack([1, 2]).reindex(names)
    if table.shape[1] < 2:
        return by_value
    return list(cluster(table.T.corr()).order) + [name for name in names if table.loc[name].std() == 0 or table.loc[name].isna().any()]


def order_judges(frame: pd.DataFrame, by: str) -> list[str]:
    """Judges in cluster order (of their weights in view), or as they come."""
    names = list(dict.fromkeys(frame["judge"]))
    table = frame.set_index(["property", "judge"])["mean"].unstack()
    if by != "cluster" or table.shape[1] < 3:
        return names
    found = list(cluster(table.corr()).order)
    return found + [name for name in names if name not in found]


def hover_text(row: Mapping[Any, Any]) -> str:
    """What a cell says under the pointer: value, interval, n; or why there is none."""
    head = f"<b>{plain(row['judge'])}</b> · {plain(row['property'])}<br>{plain(group_label(str(row['group'])))}<br>"
    if row["status"] == "point estimate":
        return head + f"preferred {row['percent']:.0f} % (no interval: posterior mean only; n unknown)"
    if row["status"] != "fitted":
        return head + f"{STATUS_WORDS.get(row['status'], row['status'])} (n = {row['n']:,})"
    words = "" if row["decided"] else "<br>not told apart from 50 %"
    words += "<br>never differs here: this is the prior" if row["differs"] == 0 else ""
    words += "<br>sampled by NUTS" if row["engine"] == "nuts" else ""
    return head + (
        f"preferred {row['percent']:.0f} % (95 %: {row['percent_low']:.0f}–{row['percent_high']:.0f})"
        f"<br>n = {row['n']:,} pairs, {row['differs']:.0f} differ in this{words}"
    )
