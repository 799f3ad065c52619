"""The queue: whose cell is next, what is sampled once, what a cancellation ends; and one life of it with real workers."""

import itertools
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dissection.errors import InputError
from dissection.jobs import queue as queue_module
from dissection.jobs.job import Job
from dissection.jobs.process import Reply, WorkerDied, WorkerProcess
from dissection.jobs.queue import JobQueue
from dissection.jobs.recent import Recent
from dissection.jobs.store import PosteriorStore
from dissection.regression.cells import Cell
from dissection.regression.model import POOLED
from dissection.regression.posterior import Posterior
from dissection.regression.sampling import posterior_to_json
from dissection.settings import cores
from tests.jobs_cells import LONG, made_up, small_cells
from tests.test_jobs_worker import gone


class Workshop:
    """Makes workers whose cells end when a test says so; notes what they were given."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.workers: list[ByHand] = []
        self.at_once = False
        self.twice: list[str] = []
        self.changed = threading.Condition()

    def make(self) -> "ByHand":
        """For `JobQueue(new_worker=...)`."""
        self.workers.append(ByHand(self))
        return self.workers[-1]

    def await_given(self, *labels: str) -> None:
        """Until exactly these cells have been given out, in this order."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.given) >= len(labels), 10), self.given
            assert self.given == list(labels)

    def end(self, label: str, reply: Reply | None = None) -> None:
        """Let a running cell succeed, or reply something else."""
        (worker,) = [worker for worker in self.workers if worker.cell and worker.cell.label == label]
        assert worker.cell
        worker.finish(reply or Reply(made_up(worker.cell).posteriors, kept=True))

    def die(self, label: str) -> None:
        """Let the worker of a cell die."""
        (worker,) = [worker for worker in self.workers if worker.cell and worker.cell.label == label]
        worker.kill()


class ByHand:
    """A worker, see `Workshop`."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self.cell: Cell | None = None
        self.reply: Reply | None = None
        self.alive = True

    def run(self, cell: Cell) -> Reply:
        shop = self._shop
        with shop.changed:
            shop.twice += [cell.label for other in shop.workers if other.alive and other.cell and other.cell.key == cell.key]
            self.cell, self.reply = cell, None
            shop.given.append(cell.label)
            shop.changed.notify_all()
        if shop.at_once:
            time.sleep(0.003)
            self.finish(Reply(made_up(cell).posteriors))
        with shop.changed:
            shop.changed.wait_for(lambda: self.reply or not self.alive)
            self.cell = None
            if not self.reply:
                raise WorkerDied("It died.")
            return self.reply

    def finish(self, reply: Reply) -> None:
        with self._shop.changed:
            self.reply = reply
            self._shop.changed.notify_all()

    def kill(self) -> None:
        with self._shop.changed:
            self.alive = False
            self._shop.changed.notify_all()


class CountingStore(PosteriorStore):
    """A store that notes what it was asked, and can be slow."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 10**9)
        self.asked: list[str] = []
        self.slow = 0.0

    def get(self, cell: Cell) -> list[Posterior] | None:
        time.sleep(self.slow)
        self.asked.append(cell.label)
        return super().get(cell)


Start = Callable[..., JobQueue]


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path)


@pytest.fixture
def start(shop: Workshop, store: CountingStore) -> Iterator[Start]:
    """Starts queues of one worker, if nothing else is said, and closes them."""
    made: list[JobQueue] = []

    def begin(workers: int = 1, **options: float) -> JobQueue:
        made.append(JobQueue(store, workers, new_worker=shop.make, **options))
        return made[-1]

    yield begin
    for queue in made:
        queue.close()


def labels(cells: list[Cell]) -> list[str]:
    return [cell.label for cell in cells]


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_cells_come_in_order_and_results_too(start: Start, shop: Workshop) -> None:
    cells = small_cells(3)
    job = start().submit("ann", cells)
    assert job.labels == ("one in s0", "two in s0", "one in s1")
    for number, cell in enumerate(cells, 1):
        shop.await_given(*labels(cells[:number]))
        assert [posterior.group.name for posterior in job.results()] == [cell.groups[0].name for cell in cells[: number - 1]]
        shop.end(cell.label)
    assert job.wait(5)
    assert [(p.judge, p.group.name) for p in job.results()] == [("one", "s0"), ("two", "s0"), ("one", "s1")]
    assert job.failures() == []
    assert job.warnings() == []
    assert len(shop.workers) == 1


def test_visitors_take_turns(start: Start, shop: Workshop) -> None:
    queue = start()
    long, short = small_cells(6), [replace(cell, judge=f"short {cell.judge}") for cell in small_cells(2, seed=1)]
    queue.submit("ann", long)
    shop.await_given("one in s0")
    bob = queue.submit("bob", short)
    until(lambda: len(bob._ready) == 2)
    order = ["one in s0", "two in s0", "short one in s0", "one in s1", "short two in s0", "two in s1", "one in s2", "two in s2"]
    for number, label in enumerate(order, 1):
        shop.await_given(*order[:number])
        shop.end(label)


def test_equal_cells_are_sampled_once(start: Start, shop: Workshop) -> None:
    """Within a job, while they wait and while they run; each visitor gets them under their own names."""
    queue = start()
    first, second = small_cells(2)
    twin, later = replace(first, judge="twin"), replace(second, judge="later")
    ann = queue.submit("ann", [first, twin, second])
    shop.await_given("one in s0")
    bob = queue.submit("bob", [later, replace(first, judge="bob's")])
    until(lambda: set(bob.progress().running) == {"bob's in s0"})
    assert set(ann.progress().running) == {"one in s0", "twin in s0"}
    shop.end("one in s0")
    until(lambda: len(shop.given) == 2)
    assert {p.judge for p in ann.results()} == {"one", "twin"}
    assert [p.judge for p in bob.results()] == ["bob's"]
    shop.end(shop.given[1])
    assert ann.wait(5)
    assert bob.wait(5)
    assert len(shop.given) == 2
    assert [p.judge for p in ann.results()] == ["one", "twin", "two"]
    assert [p.judge for p in bob.results()] == ["later", "bob's"]
    assert ann.progress().from_cache == bob.progress().from_cache == 0


def test_one_job_a_visitor(start: Start) -> None:
    queue = start()
    job = queue.submit("ann", small_cells(1))
    with pytest.raises(InputError, match=r"still running.*cancel it or wait"):
        queue.submit("ann", small_cells(2))
    assert queue.latest("ann") is job
    assert queue.latest("bob") is None
    queue.cancel(job)
    again = queue.submit("ann", small_cells(2))
    assert queue.latest("ann") is again


def test_nothing_to_sample_is_refused(start: Start) -> None:
    with pytest.raises(InputError, match="nothing to sample"):
        start().submit("ann", [])


def test_known_cells_need_no_worker(start: Start, shop: Workshop, store: CountingStore) -> None:
    """Though all workers are busy, and without making the caller wait for the disk."""
    queue = start()
    busy, *known = small_cells(4)
    for cell in known:
        store.put(cell, made_up(cell))
    queue.submit("ann", [busy])
    shop.await_given(busy.label)
    store.slow = 0.3
    began = time.monotonic()
    job = queue.submit("bob", known)
    assert time.monotonic() - began < 0.25
    assert job.progress().state == "waiting"
    assert job.wait(5)
    progress = job.progress()
    assert (progress.state, progress.done, progress.from_cache, progress.seconds_left) == ("finished", 3, 3, 0.0)
    assert len(job.results()) == 3
    assert shop.given == [busy.label]


def test_progress_tells_state_counts_and_time(start: Start, shop: Workshop) -> None:
    queue = start()
    cells = small_cells(4)
    job = queue.submit("ann", cells)
    shop.await_given("one in s0")
    progress = job.progress()
    assert (progress.state, progress.total, progress.done, progress.failed) == ("running", 4, 0, 0)
    assert progress.running == ("one in s0",)
    assert progress.seconds_left is None, "nothing is known yet"
    time.sleep(0.5)
    shop.end("one in s0")
    shop.await_given(*labels(cells[:2]))
    left = job.progress().seconds_left
    assert left is not None
    assert 1.0 < left < 6.0, "three cells of half a second each"
    shop.end("two in s0")
    shop.await_given(*labels(cells[:3]))
    left = job.progress().seconds_left
    assert left is not None
    assert left < 0.5, "a warm worker's cells take no time at all; compiling is counted no more"
    shop.die("one in s1")
    shop.await_given(*labels(cells))
    shop.end("two in s1")
    assert job.wait(5)
    progress = job.progress()
    assert (progress.state, progress.done, progress.failed, progress.running, progress.seconds_left) == ("finished", 3, 1, (), 0.0)


def test_time_left_counts_the_workers_that_a_job_gets(start: Start, shop: Workshop) -> None:
    queue = start(workers=2)
    ann = queue.submit("ann", small_cells(6))
    until(lambda: len(shop.given) == 2)
    time.sleep(0.3)
    shop.end("one in s0")
    until(lambda: len(shop.given) == 3)
    alone = ann.progress().seconds_left
    queue.submit("bob", small_cells(6, seed=1))
    shared = ann.progress().seconds_left
    assert alone
    assert shared
    assert 1.2 < shared / alone < 2.1


def test_cancelling_drops_what_waits_and_ends_what_runs(start: Start, shop: Workshop) -> None:
    queue = start()
    cells = small_cells(4)
    job = queue.submit("ann", cells)
    shop.await_given(*labels(cells[:1]))
    shop.end(cells[0].label)
    shop.await_given(*labels(cells[:2]))
    queue.cancel(job)
    progress = job.progress()
    assert (progress.state, progress.done, progress.failed, progress.running, progress.seconds_left) == ("cancelled", 1, 0, (), 0.0)
    assert job.ended
    assert job.wait(0)
    assert not shop.workers[0].alive
    assert len(job.results()) == 1
    queue.cancel(job)
    again = queue.submit("ann", cells[1:2])
    shop.await_given(*labels(cells[:2]), "two in s0")
    shop.end("two in s0")
    assert again.wait(5)
    assert again.failures() == []
    assert len(job.results()) == 1, "what ended stays as it is"
    assert len(shop.workers) == 2


def test_cancelling_leaves_cells_that_another_visitor_wants(start: Start, shop: Workshop) -> None:
    queue = start()
    shared, own = small_cells(2)
    ann = queue.submit("ann", [shared, own])
    shop.await_given("one in s0")
    bob = queue.submit("bob", [shared])
    until(lambda: bob.progress().running)
    queue.cancel(ann)
    assert shop.workers[0].alive
    shop.end("one in s0")
    assert bob.wait(5)
    assert len(bob.results()) == 1
    assert ann.results() == []
    assert shop.given == ["one in s0"]


def test_cancelling_before_anything_was_looked_up(start: Start, shop: Workshop, store: CountingStore) -> None:
    store.slow = 0.2
    queue = start()
    job = queue.submit("ann", small_cells(3))
    queue.cancel(job)
    assert job.progress().state == "cancelled"
    time.sleep(0.5)
    assert shop.given == []
    assert len(store.asked) <= 1


def test_a_dead_worker_fails_its_cell_alone(start: Start, shop: Workshop) -> None:
    """For every visitor who wants it; it is not tried again, as it might be what kills workers."""
    queue = start()
    cells = small_cells(2)
    ann, bob = queue.submit("ann", cells), queue.submit("bob", cells[:1])
    until(lambda: bob.progress().running and ann.progress().running)
    shop.die("one in s0")
    assert bob.wait(5)
    assert bob.failures() == [("one in s0", "It died.")]
    assert bob.progress().failed == 1
    shop.await_given("one in s0", "two in s0")
    assert len(shop.workers) == 2, "the next cell has a new worker"
    shop.end("two in s0")
    assert ann.wait(5)
    assert ann.failures() == [("one in s0", "It died.")]
    assert [p.judge for p in ann.results()] == ["two"]
    again = queue.submit("bob", cells[:1])
    shop.await_given("one in s0", "two in s0", "one in s0")
    shop.end("one in s0")
    assert again.wait(5)
    assert len(again.results()) == 1, "asked again, it is tried again"


def test_a_cell_that_can_not_be_sampled_fails_alone(start: Start, shop: Workshop) -> None:
    cells = small_cells(2)
    job = start().submit("ann", cells)
    shop.await_given("one in s0")
    shop.end("one in s0", Reply([], error="No."))
    shop.await_given("one in s0", "two in s0")
    shop.end("two in s0")
    assert job.wait(5)
    assert job.failures() == [("one in s0", "No.")]
    assert len(shop.workers) == 1


def test_warnings_are_told_once(start: Start, shop: Workshop) -> None:
    cells = small_cells(2)
    job = start().submit("ann", cells)
    for number, cell in enumerate(cells, 1):
        shop.await_given(*labels(cells[:number]))
        shop.end(cell.label, Reply(made_up(cell).posteriors, warning="The disk is full."))
    assert job.wait(5)
    assert job.warnings() == ["The disk is full."]
    assert len(job.results()) == 2


def test_a_started_worker_is_used_before_a_new_one_is_made(start: Start, shop: Workshop) -> None:
    shop.at_once = True
    queue = start(workers=3)
    for cell in small_cells(8):
        assert queue.submit("ann", [cell]).wait(5)
    assert len(shop.workers) == 1


def test_all_workers_work(start: Start, shop: Workshop) -> None:
    job = start(workers=3).submit("ann", small_cells(5))
    until(lambda: len(shop.given) == 3)
    assert len(job.progress().running) == 3
    shop.at_once = True
    for label in list(shop.given):
        shop.end(label)
    assert job.wait(5)
    assert [(p.judge, p.group.name) for p in job.results()] == [
        (judge, group) for group, judge in itertools.product(["s0", "s1", "s2"], ["one", "two"])
    ][:5]


def test_idle_workers_are_ended_and_come_back(start: Start, shop: Workshop) -> None:
    shop.at_once = True
    queue = start(idle_seconds=0.3)
    first, second = small_cells(2)
    assert queue.submit("ann", [first]).wait(5)
    assert shop.workers[0].alive
    until(lambda: not shop.workers[0].alive)
    job = queue.submit("ann", [second])
    assert job.wait(5)
    assert job.failures() == []
    assert len(shop.workers) == 2


def test_a_worker_that_died_at_rest_fails_no_cell(start: Start, shop: Workshop) -> None:
    shop.at_once = True
    queue = start()
    first, second = small_cells(2)
    assert queue.submit("ann", [first]).wait(5)
    shop.workers[0].kill()
    job = queue.submit("ann", [second])
    assert job.wait(5)
    assert job.failures() == []


def test_results_are_looked_up_on_disk_once(start: Start, shop: Workshop, store: CountingStore) -> None:
    queue = start()
    cell, other = small_cells(2)
    assert [queue.result(cell) for _ in range(5)] == [None] * 5
    assert store.asked == ["one in s0"], "a miss is remembered"
    job = queue.submit("ann", [cell])
    shop.await_given("one in s0")
    shop.end("one in s0")
    assert job.wait(5)
    asked = len(store.asked)
    (found,) = queue.result(cell) or ()
    assert found.judge == "one"
    assert (queue.result(replace(cell, judge="twin")) or [found])[0].judge == "twin"
    assert len(store.asked) == asked
    store.put(other, made_up(other))
    assert [bool(queue.result(other)) for _ in range(3)] == [True] * 3
    assert len(store.asked) == asked + 1
    assert queue.result(other.without_rows())


def test_memory_is_bounded() -> None:
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]
    recent.drop("a")
    recent.drop("a")
    assert "a" not in recent


def test_old_jobs_are_forgotten(start: Start, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "KEPT_JOBS", 3)
    monkeypatch.setattr(queue_module, "KEPT_CELLS", 5)
    shop.at_once = True
    queue = start()
    cells = small_cells(4)
    for number in range(6):
        assert queue.submit(f"visitor {number}", cells[:1]).wait(5)
    queue.submit("last", cells[:1])
    assert [bool(queue.latest(f"visitor {number}")) for number in range(6)] == [False] * 3 + [True] * 3
    for name in ("ann", "bob", "cid"):
        assert queue.submit(name, cells).wait(5)
    assert queue.latest("ann") is None, "eight cells are more than five"
    assert queue.latest("bob")
    assert queue.latest("bob")._cells == []  # type: ignore[union-attr]


def test_a_closed_queue_ends_everything(start: Start, shop: Workshop) -> None:
    queue = start(workers=2)
    job = queue.submit("ann", small_cells(3))
    until(lambda: len(shop.given) == 2)
    queue.close()
    assert job.progress().state == "cancelled"
    assert not any(worker.alive for worker in shop.workers)
    assert not any(thread.is_alive() for thread in queue._threads)
    with pytest.raises(RuntimeError, match="closed"):
        queue.submit("bob", small_cells(1))
    queue.close()


def test_a_broken_store_does_not_stop_sampling(start: Start, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CountingStore, "get", lambda *_: 1 / 0)
    shop.at_once = True
    job = start().submit("ann", small_cells(2))
    assert job.wait(5)
    assert len(job.results()) == 2


def test_a_pooled_cell_gives_all_its_posteriors(start: Start, shop: Workshop) -> None:
    shop.at_once = True
    job = start().submit("ann", small_cells(2, model=POOLED))
    assert job.wait(5)
    assert [p.group.name for p in job.results()] == ["s0", "s1", "All pairs"] * 2


def test_many_visitors_at_once(start: Start, shop: Workshop) -> None:
    """Whatever they submit and cancel, every job ends, no cell runs twice at a time, and nothing is left over."""
    shop.at_once = True
    queue = start(workers=4)
    cells = small_cells(24)
    ended: list[Job] = []

    def visit(name: str) -> None:
        choose = random.Random(name)
        for _ in range(15):
            job = queue.submit(name, choose.sample(cells, choose.randint(1, 12)))
            if choose.random() < 0.4:
                time.sleep(choose.random() / 50)
                queue.cancel(job)
            job.progress()
            assert job.wait(20)
            ended.append(job)

    visitors = [threading.Thread(target=visit, args=(f"visitor {number}",)) for number in range(6)]
    for thread in visitors:
        thread.start()
    for thread in visitors:
        thread.join(timeout=60)
    assert len(ended) == 90
    assert shop.twice == []
    for job in ended:
        progress = job.progress()
        assert progress.state in ("finished", "cancelled")
        assert progress.failed == 0
        assert progress.state == "cancelled" or progress.done == progress.total
    until(lambda: not queue._running)
    assert queue._turns == []
    assert queue._resting == sum(worker.alive for worker in shop.workers)


def test_cores_are_those_that_may_be_used() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_a_queue_with_real_workers(tmp_path: Path) -> None:
    """A worker is killed in mid-cell, a job is cancelled in mid-cell, and another queue resumes from the store."""
    store = PosteriorStore(tmp_path, 10**9)
    made: list[WorkerProcess] = []

    def make() -> WorkerProcess:
        made.append(WorkerProcess(store))
        return made[-1]

    first, second = small_cells(2)
    (slow,) = small_cells(1, LONG)
    slow = replace(slow, judge="slow")
    queue = JobQueue(store, 1, new_worker=make)
    job = queue.submit("ann", [first, slow, second])
    _await_running(job, "slow in s0")
    time.sleep(1)
    assert made[0].pid
    os.kill(made[0].pid, signal.SIGKILL)
    assert job.wait(60)
    assert job.failures() == [("slow in s0", "The sampling process was killed, perhaps because memory ran out.")]
    assert [p.judge for p in job.results()] == ["one", "two"]
    assert len(made) == 2

    job = queue.submit("ann", [slow])
    _await_running(job, "slow in s0")
    time.sleep(1)
    pid = made[1].pid
    assert pid
    assert job.progress().state == "running"
    queue.cancel(job)
    assert gone(pid, 2)
    assert job.progress().state == "cancelled"
    expected = [json.dumps(posterior_to_json(p)) for p in (*(queue.result(first) or ()), *(queue.result(second) or ()))]
    queue.close()

    other = JobQueue(PosteriorStore(tmp_path, 10**9), 1, new_worker=lambda: pytest.fail("needs no worker"))
    job = other.submit("ann", [first, second])
    assert job.wait(10)
    assert job.progress().from_cache == 2
    assert [json.dumps(posterior_to_json(p)) for p in job.results()] == expected
    other.close()


def _await_running(job: Job, label: str) -> None:
    end = time.monotonic() + 90
    while job.progress().running != (label,):
        assert time.monotonic() < end, job.progress()
        time.sleep(0.02)
