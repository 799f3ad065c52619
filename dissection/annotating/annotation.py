"""Annotating a dataset by a model: all stages through one journal and within one set of limits."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dissection.annotating.joining import joined, repeated
from dissection.annotating.plan import AnnotationPlan
from dissection.annotating.questions import applicable
from dissection.annotating.waves import ASKED, Ask, Asked, Replies, Waves, calls_of
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.faults import RefusedError
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import USUAL, Limits
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Outcome, Progress, Run
from dissection.endpoint.stages import Stages
from dissection.wording import count

UPPER: Final = (
    "This is an upper bound: what is asked about a query's constraints, stances, mistakes, feelings and open intent depends on what the "
    "query check finds."
)


@dataclass(frozen=True)
class StageReport:
    """What came of one stage.

    Attributes:
        stage: as in the labels of its calls.
        calls: that the plan made.
        answered: those with a usable reply.
        refused: those that the model refuses.
        failures: label and reason of each call without a usable reply.
    """

    stage: Asked
    calls: int
    answered: int
    refused: int
    failures: tuple[tuple[str, str], ...]

    def sentence(self) -> str:
        """The report in words."""
        failed = len(self.failures)
        lost = f", {failed:,} without a usable reply" + (f" ({self.refused:,} refused)" if self.refused else "") if failed else ""
        return f"{self.stage}: {self.answered:,} of {count(self.calls, 'call')} answered{lost}"


@dataclass(frozen=True, eq=False)
class Annotated:
    """What came of an annotation.

    Attributes:
        dataset: the annotated pairs with their new properties; what failed is NaN there.
        again: the pairs that were annotated a second time in the other order, with the same names and ids; None where the plan asks for none.
        stages: in the order of asking.
        run: of all stages together.
        complete: pairs with a comparison on every property of the plan.
        unchecked: pairs on which the accuracy of an answer can't be judged, by the model; its errors are not compared.
        missing: why other pairs lack something, and how many.
    """

    dataset: PairDataset
    again: PairDataset | None
    stages: tuple[StageReport, ...]
    run: Run
    complete: int
    unchecked: int
    missing: tuple[tuple[str, int], ...]

    def sentences(self) -> list[str]:
        """What came of it, in words: the pairs, then the stages."""
        n = len(self.dataset)
        found = [f"{self.complete:,} of {count(n, 'pair')} have every annotation that was asked for"]
        if self.unchecked:
            found.append(f"{count(self.unchecked, 'pair')}: the accuracy of an answer can't be judged, so errors are not compared")
        found += [f"{count(pairs, 'pair')}: {reason}" for reason, pairs in self.missing]
        return [*found, *(stage.sentence() for stage in self.stages)]


def annotate(
    dataset: PairDataset,
    plan: AnnotationPlan,
    client: Client,
    endpoint: Endpoint,
    journal: Journal,
    limits: Limits = USUAL,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Annotated:
    """Ask a model everything that a plan asks about a dataset, and join its replies.

    The budget is for all stages together, with all that the journal has of them. Whatever has no usable reply is missing (NaN), counted and
    listed; nothing is guessed. A second call with the same journal makes no finished call again.

    Args:
        dataset: with texts.
        plan: what is asked.
        client: to ask with.
        endpoint: whom it asks; the model is the annotator's name.
        journal: open.
        limits: for all stages together.
        progress: called after each call; its total is an upper bound until the queries are checked.
        cancelled: whether to stop.

    Raises:
        InputError: there are no texts, or the dataset has properties of these names that may not be replaced.
        JournalError: an answer can't be kept.
    """
    plan.check(dataset)
    waves, replies, stages = Waves(dataset, plan), Replies(), Stages(journal, limits, progress, cancelled)
    first = waves.first()
    replies.add_kept(first, endpoint, journal)
    # What an earlier run spent on the second wave counts before the first goes on.
    stages.count_finished(calls_of(waves.second(replies)), endpoint)
    most = len(waves.second(replies, most=True))
    replies.add(first, stages.run(calls_of(first), client, endpoint, later=most).outcomes)
    second = waves.second(replies)
    replies.add(second, stages.run(calls_of(second), client, endpoint).outcomes)
    return _gathered(dataset, waves, replies, endpoint.model, [*first, *second], stages.made)


def _gathered(dataset: PairDataset, waves: Waves, replies: Replies, model: str, asks: Sequence[Ask], whole: Run) -> Annotated:
    plan = waves.plan
    found = joined(dataset, waves, replies, model)
    again = repeated(dataset, waves, replies, model) if plan.again else None
    new = [found.property_names.index(name) for name in plan.names]
    assessed = ~np.isnan(found.comparisons[:, new])
    unchecked = _unchecked(waves, replies)
    rows = waves.rows.tolist()
    replied = np.array([waves.has_text(row) and None not in _wanted(waves, replies, row).values() for row in rows], dtype=bool)
    complete = int((replied & assessed.all(axis=1)).sum())
    reports = _reports(asks, whole.outcomes)
    missing = _missing(waves, replies)
    versions = list(dict.fromkeys(ask.call.prompt for ask in asks))
    note = f"Annotated by {model} ({', '.join(versions)}): {complete:,} of {count(len(found), 'pair')} have every annotation that was asked for."
    lost = len(whole.failures)
    notes = [note, *([f"{count(lost, 'call')} of the annotation had no usable reply; what they ask is missing."] if lost else [])]
    return Annotated(
        dataclasses.replace(found, notes=(*_other_notes(dataset), *notes)), again, reports, whole, complete, unchecked, missing
    )


def _other_notes(dataset: PairDataset) -> tuple[str, ...]:
    """The notes of the dataset, without what is no longer so."""
    return tuple(note for note in dataset.notes if "text properties were computed" not in note)


def _reports(asks: Sequence[Ask], outcomes: Sequence[Outcome]) -> tuple[StageReport, ...]:
    parts: dict[Asked, list[Outcome]] = {}
    for ask, outcome in zip(asks, outcomes, strict=True):
        parts.setdefault(ask.stage, []).append(outcome)
    return tuple(
        StageReport(
            stage,
            len(parts[stage]),
            sum(outcome.answer is not None for outcome in parts[stage]),
            sum(isinstance(outcome.error, RefusedError) for outcome in parts[stage]),
            tuple((outcome.call.label, outcome.error.problem) for outcome in parts[stage] if outcome.error is not None),
        )
        for stage in ASKED
        if stage in parts
    )


def _unchecked(waves: Waves, replies: Replies) -> int:
    """Pairs whose answers, one or both, make no claim that could be checked."""
    found = (replies.of("errors", row) for row in waves.rows.tolist())
    return sum(reply is not None and not (reply["a"]["checkable"] and reply["b"]["checkable"]) for reply in found)


def _missing(waves: Waves, replies: Replies) -> tuple[tuple[str, int], ...]:
    """Why pairs lack something, and how many; a pair may lack several."""
    plan, reasons = waves.plan, Counter[str]()
    if waves.without_text:
        reasons["an answer has no text, so nothing was asked"] = waves.without_text
    if waves.without_query and (plan.checks or plan.scenarios):
        reasons["there is no query to check or to sort"] = waves.without_query
    for row in waves.rows.tolist():
        for stage, reply in _wanted(waves, replies, row).items():
            if reply is None:
                reasons[f"no usable reply to the question on {_TOPICS[stage]}"] += 1
    return tuple(reasons.most_common())


_TOPICS: Final[dict[Asked, str]] = {
    "query check": "what the query holds",
    "scenario": "the scenario",
    "reference": "a reference answer",
    "basic": "basic properties",
    "own": "own properties",
    "errors": "errors",
    "specific": "what is particular about the query",
}


def _wanted(waves: Waves, replies: Replies, row: int) -> dict[Asked, Any]:
    """The stages that a pair should have a reply to, as far as its query is known, with the reply or None."""
    plan, check = waves.plan, replies.of("query check", row)
    if not waves.has_text(row):
        return {}
    of_query: list[tuple[bool, Asked]] = [(plan.checks, "query check"), (bool(plan.scenarios), "scenario"), (plan.reference, "reference")]
    from_check = "specific" in plan.stages and check is not None and bool(applicable(check))
    of_pair: list[tuple[bool, Asked]] = [
        ("basic" in plan.stages, "basic"),
        (bool(plan.own), "own"),
        ("errors" in plan.stages, "errors"),
        (from_check, "specific"),
    ]
    asked = [*(of_query if waves.has_query(row) else []), *of_pair]
    return {stage: replies.of(stage, row) for wanted, stage in asked if wanted}
