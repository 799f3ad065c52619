"""Which calls a plan makes: a first wave that depends on nothing, and a second that depends on what the first found."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from dissection.annotating.plan import AnnotationPlan, chosen_rows
from dissection.annotating.questions import (
    CHECK,
    REFERENCE,
    TOKENS,
    Shown,
    applicable,
    basic_call,
    check_call,
    errors_call,
    own_call,
    reference_call,
    scenario_call,
    specific_call,
)
from dissection.asking.verdicts import texts
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.faults import PaidError
from dissection.endpoint.journal import Finished, Journal
from dissection.endpoint.run import Outcome

Asked = Literal["query check", "scenario", "reference", "basic", "own", "errors", "specific"]
ASKED: Final[tuple[Asked, ...]] = ("query check", "scenario", "reference", "basic", "own", "errors", "specific")
CHARACTERS_A_TOKEN: Final = 4


class Ask(NamedTuple):
    """One call and what it is about.

    Attributes:
        stage: of the plan.
        rows: the pairs that its reply belongs to: one, or all with the same query.
        again: whether it is the second annotation, in the other order.
        flipped: whether B is shown first.
        call: to make.
    """

    stage: Asked
    rows: tuple[int, ...]
    again: bool
    flipped: bool
    call: Call


class Replies:
    """What is known of the pairs: a reply for each stage, row and time of annotation; and which calls will never have one."""

    def __init__(self, asks: Iterable[Ask] = (), outcomes: Iterable[Outcome] = ()) -> None:
        self._found: dict[tuple[Asked, int, bool], tuple[Ask, Any]] = {}
        self._given_up: set[tuple[Asked, int]] = set()
        self.add(asks, outcomes)

    def add(self, asks: Iterable[Ask], outcomes: Iterable[Outcome]) -> None:
        """Join what came of some calls."""
        for ask, outcome in zip(asks, outcomes, strict=True):
            self._keep(ask, outcome.answer or outcome.error)

    def add_kept(self, asks: Iterable[Ask], endpoint: Endpoint, journal: Journal) -> None:
        """Join what a journal has of some calls."""
        for ask in asks:
            self._keep(ask, journal.get(ask.call.key(endpoint)))

    def _keep(self, ask: Ask, finished: Finished | Exception | None) -> None:
        for row in ask.rows:
            if isinstance(finished, PaidError):
                self._given_up.add((ask.stage, row))
            elif finished is not None and not isinstance(finished, Exception):
                reply = finished.text.strip() if ask.call.schema is None else finished.parsed
                self._found[ask.stage, row, ask.again] = (ask, reply)

    def of(self, stage: Asked, row: int, *, again: bool = False) -> Any:
        """The reply, None where there is none."""
        return self._found.get((stage, row, again), (None, None))[1]

    def ask(self, stage: Asked, row: int, *, again: bool = False) -> Ask | None:
        """The call that was answered, None where none was."""
        return self._found.get((stage, row, again), (None, None))[0]

    def given_up(self, stage: Asked, row: int) -> bool:
        """Whether the model answered, for good, with a refusal or with something that can't be read."""
        return (stage, row) in self._given_up


class Waves:
    """The calls of a plan about a dataset.

    Args:
        dataset: to annotate, whole; the plan's shares are drawn here.
        plan: what is asked.

    Raises:
        DatasetError: no pair has both answers' texts.
    """

    def __init__(self, dataset: PairDataset, plan: AnnotationPlan) -> None:
        self.plan = plan
        self.rows, self.rows_again = chosen_rows(len(dataset), plan)
        found, kept = texts(dataset), set(self.rows.tolist())
        self._texts = {row: pair for row, pair in enumerate(found) if pair is not None and row in kept}
        self._again = [row for row in self.rows_again.tolist() if row in self._texts]
        queries: dict[str, list[int]] = {}
        for row, pair in self._texts.items():
            if pair[1].strip():
                queries.setdefault(pair[1], []).append(row)
        self._queries = {query: tuple(rows) for query, rows in queries.items()}
        self.without_text = len(self.rows) - len(self._texts)
        self.without_query = sum(not pair[1].strip() for pair in self._texts.values())

    def first_rows(self, pairs: int) -> list[int]:
        """The first pairs that can be asked about, for a dry run."""
        return list(self._texts)[:pairs]

    def has_text(self, row: int) -> bool:
        """Whether the pair can be asked about."""
        return row in self._texts

    def has_query(self, row: int) -> bool:
        """Whether the pair can be asked about its query."""
        return row in self._texts and bool(self._texts[row][1].strip())

    def first(self) -> list[Ask]:
        """What needs no other answer: stage by stage."""
        plan, most = self.plan, self.plan.max_tokens
        asks: list[Ask] = []
        if plan.checks:
            asks += self._of_queries("query check", lambda label, query: check_call(label, query, most))
        if plan.scenarios:
            asks += self._of_queries("scenario", lambda label, query: scenario_call(label, query, plan.scenarios, most))
        if plan.reference:
            asks += self._of_queries("reference", lambda label, query: reference_call(label, query, most))
        if "basic" in plan.stages:
            asks += self._of_pairs("basic", lambda label, shown, _: basic_call(label, shown, most))
        if plan.own:
            asks += self._of_pairs("own", lambda label, shown, _: own_call(label, shown, plan.own, most))
        if "errors" in plan.stages and not plan.reference:
            asks += self._of_pairs("errors", lambda label, shown, _: errors_call(label, shown, None, most))
        return asks

    def second(self, replies: Replies, *, most: bool = False) -> list[Ask]:
        """What follows from the first wave's replies.

        A reference that failed for now is waited for, as the pair would else be paid for again once it is there; one that the model
        refuses is done without.

        Args:
            replies: to the first wave.
            most: whether what is not known yet is taken to ask for the most, for an upper bound.
        """
        limit = self.plan.max_tokens
        asks: list[Ask] = []
        if self.plan.reference:
            filler = "x" * (CHARACTERS_A_TOKEN * (limit or TOKENS[REFERENCE])) if most else None

            def errors(label: str, shown: Shown, row: int) -> Call | None:
                reference = replies.of("reference", row)
                if reference is None and self.has_query(row) and not replies.given_up("reference", row):
                    return None if filler is None else errors_call(label, shown, filler, limit)
                return errors_call(label, shown, reference or None, limit)

            asks += self._of_pairs("errors", errors)
        if "specific" in self.plan.stages:
            least = _fullest(limit or TOKENS[CHECK]) if most else None

            def specific(label: str, shown: Shown, row: int) -> Call | None:
                given_up = replies.given_up("query check", row) or not self.has_query(row)
                check = replies.of("query check", row) or (None if given_up else least)
                parts = applicable(check) if check else {}
                return specific_call(label, shown, parts, limit) if parts else None

            asks += self._of_pairs("specific", specific)
        return asks

    def _of_queries(self, stage: Asked, make: Callable[[str, str], Call]) -> list[Ask]:
        found = []
        for query, rows in self._queries.items():
            others = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
            label = f"{stage} of pair {self._texts[rows[0]][0]}{others}"
            found.append(Ask(stage, rows, again=False, flipped=False, call=make(label, query)))
        return found

    def _of_pairs(self, stage: Asked, make: Callable[[str, Shown, int], Call | None]) -> list[Ask]:
        found = []
        for again, rows in ((False, list(self._texts)), (True, self._again)):
            flipped = self.plan.swapped != again
            for row in rows:
                pair_id, query, a, b = self._texts[row]
                label = f"{stage} of pair {pair_id}, {'ba' if flipped else 'ab'}"
                call = make(label, Shown(query, b, a) if flipped else Shown(query, a, b), row)
                if call is not None:
                    found.append(Ask(stage, (row,), again, flipped, call))
        return found


def _fullest(tokens: int) -> Mapping[str, Any]:
    """A query check that holds everything, with as much text as its reply can have."""
    long = "x" * (CHARACTERS_A_TOKEN * tokens)
    return {"intent_clear": False, "feelings": True, "constraints": [long], "stances": ["x"], "mistakes": ["x"]}


def expected_calls(
    dataset: PairDataset, plan: AnnotationPlan, endpoint: Endpoint | None = None, journal: Journal | None = None
) -> list[Call]:
    """At most what a plan asks: what depends on answers that are not there yet is counted as if all of it applied.

    Args:
        dataset: to annotate.
        plan: what is asked.
        endpoint: whom the journal's answers are of.
        journal: with answers of an earlier run; None: nothing is known yet.
    """
    waves, replies = Waves(dataset, plan), Replies()
    first = waves.first()
    if endpoint is not None and journal is not None:
        replies.add_kept(first, endpoint, journal)
    return calls_of([*first, *waves.second(replies, most=True)])


def sample_calls(dataset: PairDataset, plan: AnnotationPlan, pairs: int) -> list[Call]:
    """The calls about the first pairs that need no other answer, for a dry run."""
    waves = Waves(dataset, plan)
    few = set(waves.first_rows(pairs))
    return calls_of([ask for ask in waves.first() if not ask.again and few & set(ask.rows)])


def calls_of(asks: Sequence[Ask]) -> list[Call]:
    """The calls alone."""
    return [ask.call for ask in asks]
