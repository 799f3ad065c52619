"""A whole study: what every judge is asked, what it would cost, and the dataset with their verdicts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

from dissection.asking.scores import Grades, read_scores, score_calls
from dissection.asking.verdicts import BOTH, PLAIN, Instruction, Order, Verdicts, Way, judge_name, read_verdicts, verdict_calls
from dissection.dataset import FloatArray, PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import USUAL, Limits
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Outcome, Progress, Run, run
from dissection.errors import InputError
from dissection.judges import Judge

Mode = Literal["verdict", "scores"]


@dataclass(frozen=True)
class Plan:
    """What is asked of a model about a dataset.

    Attributes:
        mode: "verdict" for verdicts on pairs, "scores" for grades of single answers.
        instructions: each makes a judge of its own.
        way: of a verdict: see `verdict_calls`.
        orders: in which the answers are shown, for verdicts.
        repeats: grades of each answer, for scores.
        round: of a model that is trained on its own judgements: the judge is called "model/round-1"; None: no rounds.
        max_tokens: of a verdict's reply; None: what the way needs.
    """

    mode: Mode = "verdict"
    instructions: tuple[Instruction, ...] = (PLAIN,)
    way: Way = "letter"
    orders: tuple[Order, ...] = BOTH
    repeats: int = 3
    round: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        names = [instruction.name for instruction in self.instructions]
        if not names or len(set(names)) < len(names):
            raise InputError("Two instructions have the same name, or there is none.", accepted="different names", remedy="rename one")
        if self.round is not None and self.round < 0:
            raise InputError(f"The round is {self.round}.", accepted="a whole number from 0")

    @property
    def per_pair(self) -> int:
        """How many calls a judge is asked about one pair."""
        return 2 * self.repeats if self.mode == "scores" else len(self.orders)

    def judges(self, model: str, taken: tuple[str, ...] = ()) -> list[str]:
        """The names of the judges that come of it.

        Raises:
            LabelError, TakenNameError: one can't be a name, or another judge has it.
        """
        called = model if self.round is None else f"{model}/round-{self.round}"
        return [judge_name(called, instruction, taken) for instruction in self.instructions]

    def calls(self, dataset: PairDataset) -> list[list[Call]]:
        """What each judge is asked."""
        if self.mode == "scores":
            return [score_calls(dataset, instruction, repeats=self.repeats) for instruction in self.instructions]
        return [
            verdict_calls(dataset, instruction, way=self.way, orders=self.orders, max_tokens=self.max_tokens)
            for instruction in self.instructions
        ]

    def read(self, dataset: PairDataset, outcomes: Sequence[Outcome]) -> Verdicts | Grades:
        """What one judge's outcomes say."""
        if self.mode == "scores":
            return read_scores(dataset, outcomes, repeats=self.repeats)
        return read_verdicts(dataset, outcomes, self.orders)


@dataclass(frozen=True, eq=False)
class Asked:
    """What came of a study.

    Attributes:
        dataset: with the new judges.
        found: judge → its verdicts or grades.
        run: of all calls together.
    """

    dataset: PairDataset
    found: dict[str, Verdicts | Grades]
    run: Run


def ask(
    dataset: PairDataset,
    plan: Plan,
    client: Client,
    endpoint: Endpoint,
    journal: Journal,
    limits: Limits = USUAL,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Asked:
    """Ask every judge of the plan and join their verdicts to the dataset. The limits are for all judges together.

    Raises:
        InputError: there are no texts, or a name is taken.
    """
    plan.judges(endpoint.model, dataset.judge_names)  # refuses names that are taken before anything is paid
    calls = plan.calls(dataset)
    every = [call for part in calls for call in part]
    made = run(every, client, endpoint, journal, limits, progress=progress, cancelled=cancelled)
    starts = [0, *accumulate(len(part) for part in calls)]
    joined, found = join(dataset, plan, endpoint.model, [made.outcomes[start:end] for start, end in pairwise(starts)])
    return Asked(joined, found, made)


def join(
    dataset: PairDataset, plan: Plan, model: str, outcomes: Sequence[Sequence[Outcome]]
) -> tuple[PairDataset, dict[str, Verdicts | Grades]]:
    """The dataset with the judges that outcomes make, and what each of them said.

    Args:
        dataset: that was asked about.
        plan: what was asked.
        model: of whom.
        outcomes: of the calls of each judge, as `Plan.calls` has them.

    Raises:
        InputError: a name is taken.
    """
    found: dict[str, Verdicts | Grades] = {}
    for name, part in zip(plan.judges(model, dataset.judge_names), outcomes, strict=True):
        found[name] = plan.read(dataset, part)
        dataset = dataset.with_judge(Judge(name, origin="upload"), verdicts_of(found[name]))
    return dataset, found


def verdicts_of(found: Verdicts | Grades) -> FloatArray:
    """(pairs × 2), as in `PairDataset`: verdicts as they are, grades compared."""
    return found.verdicts if isinstance(found, Grades) else found.values
