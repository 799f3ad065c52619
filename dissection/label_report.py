"""What a file of labels says for one judge, for the user to read before it is used."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import LabelError
from dissection.judges import describe
from dissection.verdicts import shown
from dissection.wording import count

EXAMPLES: Final = 5


@dataclass(frozen=True, eq=False)
class LabelReport:
    """What a file says for one judge, and what of it fits the dataset.

    Attributes:
        judge: its name, new to the dataset.
        form: how the file was understood, in words.
        verdicts: (pairs × 2) P(A preferred), NaN where missing, as in `PairDataset.verdicts`.
        labels: how many labels the file has for this judge, of any kind.
        matched: the pairs with a verdict.
        missing: the pairs without one; missing_examples: the first of their ids.
        no_verdict: the labels that say there is none (empty, null, refusal …).
        unknown_ids: the labels of pairs that the dataset doesn't have; unknown_id_examples: the first of them, as (id, row).
        duplicates: the labels that repeat an earlier one with the same verdict; each was kept once.
        unknown_labels: label → its rows. None of them was turned into a verdict.
        ties: the matched pairs that the judge calls a tie.
        share_a: the mean verdict of matched pairs, so the share where A is preferred, ties as half; NaN where none is matched.
        order_inconsistent: the pairs asked in both orders with different verdicts; asked_twice: all pairs asked in both orders.
        notes: what else the user should know, one sentence each.
        unit: what the row numbers count: "line", "item" or "row".
        kappa: one row for each judge of the dataset: `judge`, `kappa`, `low`, `high`, `n`, `percent`, `reason`; see `Agreement`.
    """

    judge: str
    form: str
    verdicts: FloatArray
    labels: int
    matched: int
    missing: int
    missing_examples: tuple[str, ...]
    no_verdict: int
    unknown_ids: int
    unknown_id_examples: tuple[tuple[str, int], ...]
    duplicates: int
    unknown_labels: Mapping[str, tuple[int, ...]]
    ties: int
    share_a: float
    order_inconsistent: int
    asked_twice: int
    notes: tuple[str, ...]
    unit: str
    kappa: pd.DataFrame = field(repr=False)

    @property
    def usable(self) -> bool:
        """Whether any pair got a verdict."""
        return self.matched > 0

    def summary(self) -> list[str]:
        """The report in lines, the most important first; what is not the case is left out."""
        lines = [f"{self.judge}: {self.form}.", f"{self.matched:,} of {self.matched + self.missing:,} pairs have a verdict."]
        if self.usable:
            ties = f", ties: {self.ties:,}" if self.ties else ""
            lines.append(f"A is preferred in {self.share_a:.0%} (ties count as half){ties}.")
        if self.missing:
            lines.append(f"{count(self.missing, 'pair')} without one, such as {', '.join(shown(name) for name in self.missing_examples)}.")
        if self.no_verdict:
            lines.append(f"{count(self.no_verdict, 'label')} for “no verdict”.")
        if self.unknown_labels:
            unknown = sum(len(rows) for rows in self.unknown_labels.values())
            lines.append(f"{count(unknown, 'unknown label')} not used: {self._unknown()}.")
        if self.unknown_ids:
            found = ", ".join(f"{name} ({self.unit} {row})" for name, row in self.unknown_id_examples)
            lines.append(f"{count(self.unknown_ids, 'label')} of pairs that the dataset doesn't have: {found}{more(self.unknown_ids)}.")
        if self.duplicates:
            lines.append(f"{count(self.duplicates, 'label')} repeating an earlier one with the same verdict; each was kept once.")
        if self.asked_twice:
            lines.append(f"{self.order_inconsistent:,} of {self.asked_twice:,} pairs asked in both orders got different verdicts.")
        return [*lines, *self.notes]

    def join(self, dataset: PairDataset) -> PairDataset:
        """The dataset with this judge.

        Raises:
            LabelError: no pair has a verdict.
            DatasetError: the name is taken meanwhile, or the dataset is another one.
        """
        if not self.usable:
            raise LabelError(
                f"No pair has a verdict of {self.judge!r}.",
                where=" ".join(self.summary()),
                remedy="check the ids and the words of the labels",
            )
        return dataset.with_judge(dataclasses.replace(describe(self.judge), origin="upload"), self.verdicts)

    def _unknown(self) -> str:
        found = [
            f"{value} ({self.unit} {', '.join(str(row) for row in rows[:EXAMPLES])}{more(len(rows))})"
            for value, rows in list(self.unknown_labels.items())[:EXAMPLES]
        ]
        return "; ".join(found) + more(len(self.unknown_labels))


def more(count: int) -> str:
    """An ellipsis where only the first examples of `count` things are shown."""
    return " …" if count > EXAMPLES else ""
