"""From queries alone: answers of one or two models, the best against the worst where there are many, and a judge's verdicts on the pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dissection.asking import scores
from dissection.asking.judging import Plan, join
from dissection.asking.online import answer_calls, pair_up
from dissection.asking.scores import Grades, best_against_worst, means_of
from dissection.asking.verdicts import PLAIN, Instruction, Verdicts, judge_name, pair_calls
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import USUAL, Limits
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Outcome, Progress, Run
from dissection.endpoint.stages import Stages
from dissection.errors import DatasetError, InputError
from dissection.judges import check_name

MAX_ANSWERS: Final = 32
MAX_TEMPERATURE: Final = 2.0
GRADES: Final = "grades"


@dataclass(frozen=True)
class Author:
    """Who answers.

    Attributes:
        model: as the endpoint calls it.
        instruction: the system's message; empty: none.
        name: in `model_a` and `model_b`.
    """

    model: str
    instruction: str = ""
    name: str = ""


def name_authors(given: Sequence[tuple[str, str]]) -> tuple[Author, ...]:
    """Authors with different names: the model's, and where one model answers under two instructions, these told apart.

    Args:
        given: model and instruction each.

    Raises:
        InputError: two are the same, or a name can't be one.
    """
    given = [(model, instruction.strip()) for model, instruction in given]
    if len(set(given)) < len(given):
        raise InputError(
            "Both answers would come from the same model under the same instruction.",
            accepted="two models, or one model under two instructions",
            remedy="name one model alone, and have it answer twice",
        )
    models = [model for model, _ in given]
    alone = len(set(models)) == len(models)
    names = [model if alone or not instruction else f"{model}/instruction-{place + 1}" for place, (model, instruction) in enumerate(given)]
    return tuple(Author(model, instruction, check_name(name)) for (model, instruction), name in zip(given, names, strict=True))


@dataclass(frozen=True)
class Creation:
    """What is made from queries alone.

    Attributes:
        queries: not empty.
        authors: one or two.
        answers: of each author to each query. Two in all make a pair; of more, the best graded stands against the worst.
        judge: the model that grades, where there are more than two answers, and gives verdicts.
        verdicts: whether the judge is asked about the pairs, in both orders.
        instruction: of the judge.
        repeats: grades of each answer.
        max_tokens, temperature: of an answer.
        seed: of the sides.
    """

    queries: tuple[str, ...]
    authors: tuple[Author, ...]
    answers: int
    judge: str
    verdicts: bool = True
    instruction: Instruction = PLAIN
    repeats: int = 3
    max_tokens: int = 1024
    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.authors) <= 2:
            raise InputError(f"{len(self.authors)} models answer.", accepted="one or two")
        if self.answers < 1 or not 2 <= self.total <= MAX_ANSWERS:
            raise InputError(
                f"There would be {self.total} answers to each query.",
                accepted=f"2 to {MAX_ANSWERS} in all",
                remedy="choose another number of answers by each model",
            )
        if self.max_tokens < 1:
            raise InputError(f"An answer of {self.max_tokens} tokens.", accepted="a whole number, 1 or more")
        if not 0 <= self.temperature <= MAX_TEMPERATURE:
            raise InputError(
                f"The temperature is {self.temperature}.", accepted=f"0 to {MAX_TEMPERATURE:g}", remedy="choose one in between"
            )
        if not 1 <= self.repeats <= scores.MAX_REPEATS:
            raise InputError(f"Each answer graded {self.repeats} times.", accepted=f"1 to {scores.MAX_REPEATS}")

    @property
    def total(self) -> int:
        """Answers to each query."""
        return self.answers * len(self.authors)

    @property
    def graded(self) -> bool:
        """Whether answers are graded, as there are more than a pair can hold."""
        return self.total > 2

    @property
    def later_per_query(self) -> int:
        """Grades and verdicts that the judge can be asked for about the answers to one query."""
        return self.graded * self.total * self.repeats + 2 * self.verdicts

    def answer_calls(self, author: Author) -> list[list[Call]]:
        """What an author is asked: a list for each of its answers."""
        return [
            _of_model(
                answer_calls(
                    self.queries, repeat=repeat, instruction=author.instruction, max_tokens=self.max_tokens, temperature=self.temperature
                ),
                author.model,
            )
            for repeat in range(self.answers)
        ]

    def later_calls(self) -> list[Call]:
        """As many and as long calls as the judge can be asked: every answer is there, and as long as it may be."""
        fill = [f"{place}" + "x" * (4 * self.max_tokens) for place in range(self.total)]
        calls: list[Call] = []
        if self.graded:
            calls += scores.answer_calls(self.queries, [fill] * len(self.queries), self.instruction, repeats=self.repeats)
        if self.verdicts:
            pairs = [(f"q{row + 1}", query, fill[0], fill[1]) for row, query in enumerate(self.queries)]
            calls += pair_calls(pairs, self.instruction)
        return _of_model(calls, self.judge)


def _of_model(calls: Sequence[Call], model: str) -> list[Call]:
    return [replace(call, model=model) for call in calls]


@dataclass(frozen=True, eq=False)
class Created:
    """What came of a creation.

    Attributes:
        dataset: None where there are no pairs yet.
        why: there are none; empty where there are.
        found: judge → its verdicts, where they were asked for.
        run: of all calls together.
    """

    dataset: PairDataset | None
    why: str
    found: Mapping[str, Verdicts | Grades]
    run: Run


def create(
    creation: Creation,
    endpoint: Endpoint,
    client_of: Callable[[Endpoint], Client],
    journal: Journal,
    limits: Limits = USUAL,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Created:
    """Ask for answers, grades and verdicts. Pairs are made once every answer and grade was asked for.

    Args:
        creation: what is made.
        endpoint: where every model of it is.
        client_of: a client of a model there.
        journal: open.
        limits: for all stages together.
        progress: called after each call.
        cancelled: whether to stop.

    Raises:
        JournalError: an answer can't be kept.
    """
    stages = Stages(journal, limits, progress, cancelled)
    answered = [part for place in range(len(creation.authors)) for part in _answer(creation, place, endpoint, client_of, stages)]
    dataset = None
    why = "not every answer was asked for"
    judge = replace(endpoint, model=creation.judge) if creation.graded or creation.verdicts else endpoint
    try:
        if not stages.stopped and not creation.graded:
            dataset = pair_up(creation.queries, _names(creation), answered[0], answered[1], creation.seed)
        elif not stages.stopped:
            dataset = _best_and_worst(creation, answered, stages, client_of(judge), judge)
            why = "not every grade was asked for"
    except DatasetError as error:
        why = error.problem.rstrip(".")
    found: dict[str, Verdicts | Grades] = {}
    if dataset is not None and creation.verdicts and not stages.stopped:
        plan = Plan(instructions=(creation.instruction,))
        made = stages.run(plan.calls(dataset)[0], client_of(judge), judge)
        dataset, found = join(dataset, plan, creation.judge, [made.outcomes])
    return Created(dataset, "" if dataset is not None else why, found, stages.made)


def _answer(
    creation: Creation, place: int, endpoint: Endpoint, client_of: Callable[[Endpoint], Client], stages: Stages
) -> list[tuple[Outcome, ...]]:
    """The outcomes of an author's first answers, second answers, and so on."""
    if stages.stopped:
        return []
    author, n = creation.authors[place], len(creation.queries)
    whom = replace(endpoint, model=author.model)
    others = creation.answers * (len(creation.authors) - 1 - place)
    later = n * (others + creation.later_per_query)
    made = stages.run([call for part in creation.answer_calls(author) for call in part], client_of(whom), whom, later)
    return [made.outcomes[start : start + n] for start in range(0, n * creation.answers, n)]


def _names(creation: Creation) -> tuple[str, str]:
    return creation.authors[0].name, creation.authors[-1].name


def _best_and_worst(
    creation: Creation, answered: Sequence[Sequence[Outcome]], stages: Stages, client: Client, judge: Endpoint
) -> PairDataset | None:
    """The best against the worst graded answer to each query; None where the grades were not all asked for."""
    by = [author.name for author in creation.authors for _ in range(creation.answers)]
    given: list[list[tuple[str, str]]] = [
        [(outcome.answer.text, name) for outcome, name in zip(row, by, strict=True) if outcome.answer is not None]
        for row in zip(*answered, strict=True)
    ]
    texts = [[text for text, _ in row] for row in given]
    calls = scores.answer_calls(creation.queries, texts, creation.instruction, repeats=creation.repeats)
    made = stages.run(calls, client, judge, later=2 * creation.verdicts * len(creation.queries))
    if stages.stopped:
        return None
    means = iter(means_of(scores.grades_of(made.outcomes).reshape(-1, creation.repeats))[0].tolist())
    grades = [[next(means) for _ in row] for row in given]
    name = check_name(f"{judge_name(creation.judge, creation.instruction)}/{GRADES}")
    models = [[author for _, author in row] for row in given]
    return best_against_worst(name, creation.queries, texts, grades, creation.seed, models=models)
