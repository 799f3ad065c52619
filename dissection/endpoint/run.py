"""Making many calls: side by side, in order, within a budget, and never one twice."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.faults import EndpointError, PaidError, StoppedError, bare
from dissection.endpoint.journal import Finished, Journal
from dissection.endpoint.limits import USUAL, Limits
from dissection.endpoint.meter import Meter, Spent
from dissection.endpoint.protocol import Answer, Client


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a call: an answer, or the error that there is in its place."""

    call: Call
    answer: Answer | None
    error: EndpointError | None


class Progress(NamedTuple):
    """How far a run is: calls that are over, of how many, how many of them failed, how many the journal had, and what was spent."""

    done: int
    total: int
    failed: int
    from_journal: int
    spent: Spent


@dataclass(frozen=True, eq=False)
class Run:
    """What came of a run.

    Attributes:
        outcomes: one for each call, in the order of the calls.
        spent: on these calls, with what the journal has of them.
        from_journal: calls that were not made again.
        stopped: why the run ended before its end: "cancelled", the budget, or an error that every call would meet; else "".
    """

    outcomes: tuple[Outcome, ...]
    spent: Spent
    from_journal: int
    stopped: str

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The calls without a usable answer."""
        return tuple(outcome for outcome in self.outcomes if outcome.answer is None)

    def reasons(self) -> list[tuple[str, int]]:
        """Why calls have no answer, the most frequent reason first."""
        return Counter(outcome.error.problem for outcome in self.failures if outcome.error).most_common()


def run(
    calls: Sequence[Call],
    client: Client,
    endpoint: Endpoint,
    journal: Journal,
    limits: Limits = USUAL,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    meter: Meter | None = None,
) -> Run:
    """Make every call that the journal does not have; equal calls are one.

    Cancelling and an exhausted budget let no further request begin; those under way are waited for and kept.

    Args:
        calls: what to ask.
        client: to ask with.
        endpoint: whom it asks, for the journal's keys.
        journal: open; each answer is in it before it counts as done.
        limits: for these calls together, with what the journal has of them.
        progress: called after each call, by one thread at a time.
        cancelled: whether to stop.
        meter: of several runs that keep to one set of limits together, and are cancelled together; None: one for this run alone.

    Raises:
        JournalError: an answer can't be kept; the run ends, and what was kept is kept.
    """
    meter = meter or Meter(limits, cancelled)
    work = _Work(calls, client, endpoint, journal, meter, progress)
    if work.open:
        side_by_side = min(limits.concurrency, len(work.open))
        with ThreadPoolExecutor(side_by_side, thread_name_prefix="endpoint") as pool:
            workers = [pool.submit(work.work) for _ in range(side_by_side)]
            try:
                for worker in workers:
                    worker.result()
            except BaseException:
                # Also when a key was pressed: the pool waits for its workers, and they must not go through all that is left.
                meter.stop("interrupted")
                raise
    return Run(tuple(work.outcome(call) for call in calls), meter.spent, work.from_journal, meter.reason)


def count_finished(calls: Sequence[Call], endpoint: Endpoint, journal: Journal, meter: Meter) -> None:
    """Have a meter count what the journal has of these calls before a run asks for them, so that an earlier run leaves room for it."""
    for call in calls:
        _count(meter, call.key(endpoint), journal)


def _count(meter: Meter, key: str, journal: Journal) -> Finished | None:
    kept = journal.get(key)
    if kept is not None:
        answer = kept.answer if isinstance(kept, PaidError) else kept
        meter.count(key, answer.tokens_in, answer.tokens_out, answer.requests)
    return kept


class _Work:
    """The calls that are open, taken by one worker after another."""

    def __init__(
        self,
        calls: Sequence[Call],
        client: Client,
        endpoint: Endpoint,
        journal: Journal,
        meter: Meter,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.client, self.journal, self.meter, self.progress, self.endpoint = client, journal, meter, progress, endpoint
        self.keys = {id(call): call.key(endpoint) for call in calls}
        distinct = {self.keys[id(call)]: call for call in calls}
        self.found: dict[str, Finished | EndpointError] = {}
        for key in distinct:
            if (kept := _count(meter, key, journal)) is not None:
                self.found[key] = kept
        self.total, self.from_journal = len(distinct), len(self.found)
        self.open = [(key, call) for key, call in distinct.items() if key not in self.found]
        self.failed = sum(isinstance(kept, EndpointError) for kept in self.found.values())
        self._next = iter(self.open)
        self._taking = threading.Lock()

    def outcome(self, call: Call) -> Outcome:
        found = self.found[self.keys[id(call)]]
        return Outcome(call, None, found) if isinstance(found, EndpointError) else Outcome(call, found, None)

    def work(self) -> None:
        while True:
            with self._taking:
                item = next(self._next, None)
            if item is None:
                return
            try:
                self._finish(item[0], self._ask(*item))
            except BaseException as error:
                # A fault that is nobody's answer, as a full disk: the other workers must not go on paying.
                self.meter.stop(str(error) or type(error).__name__)
                raise

    def _ask(self, key: str, call: Call) -> Finished | EndpointError:
        try:
            answer = self.client.chat(
                call.messages,
                schema=call.schema,
                logprobs=call.logprobs,
                max_tokens=call.max_tokens,
                temperature=call.temperature,
                seed=call.seed,
                gate=self.meter,
            )
        except PaidError as error:
            self._keep(key, bare(error))
            return error
        except StoppedError as error:
            return bare(error)
        except EndpointError as error:
            if error.ends_run:
                self.meter.stop(error.problem.rstrip("."))
            return bare(error)
        self._keep(key, answer)
        return answer

    def _keep(self, key: str, finished: Finished) -> None:
        self.meter.made(key)
        self.journal.add(key, finished)

    def _finish(self, key: str, found: Finished | EndpointError) -> None:
        with self._taking:
            self.found[key] = found
            self.failed += isinstance(found, EndpointError)
            if self.progress is not None:
                self.progress(Progress(len(self.found), self.total, self.failed, self.from_journal, self.meter.spent))
