"""A job: the cells that a visitor asked for, and how far they are."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from dissection.jobs.process import Reply
from dissection.jobs.store import named_after
from dissection.regression.cells import Cell
from dissection.regression.posterior import Posterior

State = Literal["waiting", "running", "finished", "cancelled"]


class Worker(Protocol):
    """What the queue needs of a worker; `process.WorkerProcess` is one."""

    @property
    def alive(self) -> bool:
        """False once it was killed or has died; a new one is made then."""
        ...

    def run(self, cell: Cell) -> Reply:
        """Sample a cell and wait for it; `WorkerDied` where it ends first."""
        ...

    def kill(self) -> None:
        """End it at once, from any thread."""
        ...


@dataclass(eq=False)
class Run:
    """A cell on its worker.

    Attributes:
        cold: whether the worker has to start and compile first.
    """

    cell: Cell
    worker: Worker
    cold: bool
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self.started


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        state: "waiting" until the first cell runs or is done.
        total: cells; `done` of them have results, `failed` have none; after a cancellation the two don't add up to the total.
        from_cache: of those done, how many were known before.
        running: labels of cells that a worker has now.
        seconds_left: an estimate; None until one is possible.
    """

    state: State
    total: int
    done: int
    failed: int
    from_cache: int
    running: tuple[str, ...]
    seconds_left: float | None


class Job:
    """Made by `JobQueue.submit`. What is public may be called from any thread, at any time.

    Attributes:
        id: unique.
        visitor: who asked.
        labels: of the cells, in their order.
        keys: of the cells.
        created: when, in UTC.
    """

    def __init__(
        self, visitor: str, cells: Sequence[Cell], changed: threading.Condition, running: Mapping[str, Run], share: Callable[[], float]
    ) -> None:
        self.id = uuid.uuid4().hex
        self.visitor = visitor
        self.labels = tuple(cell.label for cell in cells)
        self.created = datetime.now(UTC)
        self._changed = changed
        self._running = running  # the queue's, of all jobs
        self._share = share
        self.keys = frozenset(cell.key for cell in cells)
        self._cells = list(cells)
        self._cancelled = False
        self._wanted: dict[str, list[int]] = {}
        self._ready: dict[str, None] = {}
        self._results: dict[int, list[Posterior]] = {}
        self._failures: dict[int, str] = {}
        self._warnings: dict[str, None] = {}
        self._from_cache = 0
        self._cold_seconds: list[float] = []
        self._warm_seconds: list[float] = []

    @property
    def ended(self) -> bool:
        """Whether it is finished or cancelled."""
        with self._changed:
            return self._cancelled or len(self._results) + len(self._failures) == len(self.labels)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; False where the seconds ran out before."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ended, timeout)

    def progress(self) -> Progress:
        """How far it is now."""
        with self._changed:
            running = [self._running[key] for key in self._wanted if key in self._running]
            labels = tuple(self.labels[place] for key in self._wanted if key in self._running for place in self._wanted[key])
            begun = bool(running or self._results or self._failures)
            state: State = "cancelled" if self._cancelled else "finished" if self.ended else "running" if begun else "waiting"
            done, failed = len(self._results), len(self._failures)
            return Progress(state, len(self.labels), done, failed, self._from_cache, labels, self._seconds_left(running))

    def results(self) -> list[Posterior]:
        """The posteriors so far, in the order of the cells."""
        with self._changed:
            return [posterior for place in sorted(self._results) for posterior in self._results[place]]

    def failures(self) -> list[tuple[str, str]]:
        """Label and reason of each cell that has no result."""
        with self._changed:
            return [(self.labels[place], self._failures[place]) for place in sorted(self._failures)]

    def warnings(self) -> list[str]:
        """What did not go well without harming a result, each once."""
        with self._changed:
            return list(self._warnings)

    def _seconds_left(self, running: Sequence[Run]) -> float | None:
        if self.ended:
            return 0.0
        # Starting and compiling would make a mean of few cells far too long.
        seconds = self._warm_seconds or self._cold_seconds
        if not seconds or not self._wanted:
            return None
        mean = sum(seconds) / len(seconds)
        work = mean * (len(self._wanted) - len(running)) + sum(max(0.0, mean - run.seconds) for run in running)
        return work / min(self._share(), len(self._wanted))

    # What follows is for the queue, which holds the lock.

    def expect(self, keys: Sequence[str]) -> None:
        """Take note of the cells' keys; equal cells wait for the same one."""
        for place, key in enumerate(keys):
            self._wanted.setdefault(key, []).append(place)

    def wants(self, key: str) -> bool:
        """Whether a cell of this key is neither answered nor given up."""
        return key in self._wanted

    def is_ready(self, key: str) -> None:
        """Let workers take the cell, as it is not in the store."""
        self._ready[key] = None

    def next_cell(self) -> Cell | None:
        """The first cell that a worker can take."""
        key = next((key for key in self._ready if key not in self._running), None)
        return None if key is None else self._cells[self._wanted[key][0]]

    def settle(self, key: str, reply: Reply, run: Run | None = None) -> None:
        """Take note of a cell's result or failure; `run` is None for what was known before."""
        self._ready.pop(key, None)
        for place in self._wanted.pop(key, ()):
            if reply.error:
                self._failures[place] = reply.error
                continue
            self._results[place] = named_after(self._cells[place], reply.posteriors)
            self._from_cache += run is None
        if run and not reply.error:
            (self._cold_seconds if run.cold else self._warm_seconds).append(run.seconds)
        if reply.warning:
            self._warnings[reply.warning] = None
        if self.ended:
            self._cells = []

    def cancel(self) -> list[str]:
        """Give up what is not answered; its keys."""
        keys = list(self._wanted)
        self._cancelled = True
        self._wanted, self._ready, self._cells = {}, {}, []
        return keys
