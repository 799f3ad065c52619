"""What is in a dataset, and what can be done with it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dissection.dataset import PairDataset
from dissection.doctor import Finding, examine
from dissection.wording import count


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes:
        facts: sentences about the content, each with its counts.
        possible: what can be done with it.
        impossible: what can't, and what to add for it.
        findings: of the doctor, problems first.
    """

    facts: tuple[str, ...]
    possible: tuple[str, ...]
    impossible: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the results should know."""
        return tuple(finding.title for finding in self.findings if finding.severity != "fact")

    def lines(self) -> list[str]:
        """As plain text."""
        facts = [line for finding in self.findings if finding.severity == "fact" for line in _finding_lines(finding)]
        odd = [line for finding in self.findings if finding.severity != "fact" for line in _finding_lines(finding)]
        sections = (
            ("Found", [*(f"  - {fact}" for fact in self.facts), *facts]),
            ("Odd", odd),
            ("Can be done", [f"  - {item}" for item in self.possible]),
            ("Can't be done", [f"  - {item}" for item in self.impossible]),
        )
        return [line for title, items in sections if items for line in (f"{title}:", *items)]


def _finding_lines(finding: Finding) -> list[str]:
    mark = "problem: " if finding.severity == "problem" else ""
    lines = [f"  - {mark}{finding.title}"]
    if finding.examples:
        lines.append(f"      for example {', '.join(str(example) for example in finding.examples)}")
    if finding.remedy:
        lines.append(f"      what to do: {finding.remedy}")
    return lines


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
    return Inspection(tuple(facts), tuple(possible), tuple(impossible), tuple(examine(dataset)))


def _inspect_estimates(dataset: PairDataset) -> Inspection:
    conditions = sum(group.kind == "condition" for group in dataset.groups)
    return Inspection(
        (
            f"published weights of {len(dataset.judges)} judges in {len(dataset.scenarios)} scenarios and {conditions} conditions",
            f"{count(len(dataset.properties), 'property', 'properties')}: {', '.join(dataset.property_names)}",
            *dataset.notes,
        ),
        ("the heatmap of weights", "similarity and clusters of judges"),
        ("intervals, n, refitting, reading pairs or adding a judge's labels: the pairs are not in these files",),
    )
