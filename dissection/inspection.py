"""What is in a dataset, and what can be done with it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dissection.dataset import PairDataset
from dissection.wording import count

FEW_PAIRS = 50
LARGE_COMPARISON = 3


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes:
        facts: sentences about the content, each with its counts.
        possible: what can be done with it.
        impossible: what can't, and what to add for it.
        warnings: what a reader of the results should know.
    """

    facts: tuple[str, ...]
    possible: tuple[str, ...]
    impossible: tuple[str, ...]
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """As plain text."""
        sections = (("Found", self.facts), ("Can be done", self.possible), ("Can't be done", self.impossible), ("Note", self.warnings))
        return [line for title, items in sections if items for line in (f"{title}:", *(f"  - {item}" for item in items))]


def judge_table(dataset: PairDataset) -> pd.DataFrame:
    """One row a judge.

    Returns:
        `judge`, `verdicts` (pairs with one), `ties`, `missing`, `share_a` (in %, ties count half), `both_orders` (pairs asked twice) and
        `inconsistent` (of those, pairs where the two orders don't agree).
    """
    labels = dataset.labels
    both = np.asarray(~np.isnan(dataset.verdicts).any(axis=2))
    rows = []
    for column, judge in enumerate(dataset.judges):
        known = labels[~np.isnan(labels[:, column]), column]
        first, second = dataset.verdicts[both[:, column], column].T
        rows.append(
            {
                "judge": judge.name,
                "verdicts": len(known),
                "ties": int((known == 0.5).sum()),
                "missing": len(dataset) - len(known),
                "share_a": 100 * float(known.mean()) if len(known) else float("nan"),
                "both_orders": int(both[:, column].sum()),
                "inconsistent": int((np.sign(first - 0.5) != np.sign(second - 0.5)).sum()),
            }
        )
    columns = ["judge", "verdicts", "ties", "missing", "share_a", "both_orders", "inconsistent"]
    return pd.DataFrame(rows, columns=columns)


def inspect(dataset: PairDataset) -> Inspection:
    """What is in a dataset and what can be done with it."""
    if not dataset.has_pairs:
        return _inspect_estimates(dataset)
    table = judge_table(dataset)
    facts = [
        f"{count(len(dataset), 'pair')} in {count(len(dataset.scenarios), 'scenario')} and {count(len(dataset.conditions), 'condition')}",
        (
            f"{count(len(dataset.judges), 'judge')} with {int(table['verdicts'].sum()):,} verdicts, {int(table['ties'].sum()):,} of them ties "
            f"or split between the orders, {int(table['missing'].sum()):,} missing"
        ),
        f"{count(len(dataset.properties), 'property', 'properties')}: {', '.join(dataset.property_names)}",
        *dataset.notes,
    ]
    asked_twice = table[table["both_orders"] > 0]
    if len(asked_twice):
        share = 100 * asked_twice["inconsistent"].sum() / asked_twice["both_orders"].sum()
        facts.append(f"{len(asked_twice)} judges were asked in both orders; {share:.1f} % of these pairs got another verdict when swapped")
    possible: list[str] = []
    impossible: list[str] = []
    if len(dataset.judges):
        possible.append("fit: the weights of every judge in every group, with 95 % intervals")
        (possible if len(dataset.judges) > 1 else impossible).append(
            "similarity of judges" + ("" if len(dataset.judges) > 1 else ": add the labels of a second judge")
        )
    else:
        impossible.append("any fit: no pair has a verdict; add a judge's labels")
    (possible if dataset.has_texts else impossible).append(
        "reading the pairs" + ("" if dataset.has_texts else ": add query, response_a, response_b")
    )
    if len(dataset.scenarios) == 1 and not dataset.conditions:
        impossible.append("a comparison of scenarios: all pairs are in one; add a scenario to each pair")
    return Inspection(tuple(facts), tuple(possible), tuple(impossible), tuple(_warnings(dataset, table)))


def _inspect_estimates(dataset: PairDataset) -> Inspection:
    conditions = sum(group.kind == "condition" for group in dataset.groups)
    return Inspection(
        (
            f"published weights of {len(dataset.judges)} judges in {len(dataset.scenarios)} scenarios and {conditions} conditions",
            f"{count(len(dataset.properties), 'property', 'properties')}: {', '.join(dataset.property_names)}",
        ),
        ("the heatmap of weights", "similarity and clusters of judges"),
        ("intervals, n, refitting, reading pairs or adding a judge's labels: the pairs are not in these files",),
        dataset.notes,
    )


def _warnings(dataset: PairDataset, table: pd.DataFrame) -> list[str]:
    found = []
    left_out = int((~dataset.assessed).sum())
    if left_out:
        found.append(f"{left_out:,} pairs have a property that was not assessed and are left out of fits")
    never = [name for name, column in zip(dataset.property_names, dataset.comparisons.T, strict=True) if not np.nan_to_num(column).any()]
    if never:
        found.append(f"{len(never)} properties never differ between the answers, so nothing can be learned of them: {', '.join(never)}")
    found += [
        f"{name} always says {'A' if share == 100 else 'B'} ({n:,} verdicts): its weights only say on which properties that side has more"
        for name, share, n in zip(table["judge"], table["share_a"], table["verdicts"], strict=True)
        if n > 1 and share in (0, 100)
    ]
    large = np.nanmax(np.abs(dataset.comparisons), axis=0, initial=0.0)
    wide = [f"{name} ({size:g})" for name, size in zip(dataset.property_names, large, strict=True) if size > LARGE_COMPARISON]
    if wide:
        found.append(
            f"comparisons beyond ±{LARGE_COMPARISON} make intervals rough, and much larger ones no interval at all: {', '.join(wide)}; give "
            "the scores of both answers, which are compared by sign, or divide them"
        )
    small = [(group.label, int(dataset.members(group).sum())) for group in dataset.groups]
    small = [(name, n) for name, n in small if n < FEW_PAIRS]
    short = [name for name, n in small if n < len(dataset.properties)]
    if short:
        some = ", ".join(short[:8]) + (" …" if len(short) > 8 else "")
        found.append(f"{len(short)} groups have fewer pairs than there are properties, so their weights are mostly the prior: {some}")
    if small:
        some = ", ".join(f"{name} ({n})" for name, n in small[:8]) + (" …" if len(small) > 8 else "")
        found.append(f"{len(small)} groups have fewer than {FEW_PAIRS} pairs, where little can be told apart from the prior: {some}")
    if dataset.has_texts:
        answers = dataset.pairs[["response_a", "response_b"]]
        empty = int((answers.map(lambda text: isinstance(text, str) and not text.strip())).any(axis=1).sum())
        if empty:
            found.append(f"{empty:,} pairs have an empty answer")
    return found
