"""The queue: visitors' jobs, dealt out cell by cell to worker processes, from a thread a worker.

All state is guarded by one lock, `_changed`, which is never held while a cell is sampled or the disk is read.
"""

import atexit
import threading
from collections.abc import Callable, Sequence, Set

from dissection.errors import InputError
from dissection.jobs.job import Job, Run, Worker
from dissection.jobs.process import Reply, WorkerDied, WorkerProcess
from dissection.jobs.recent import Recent
from dissection.jobs.store import PosteriorStore, named_after
from dissection.regression.cells import Cell
from dissection.regression.posterior import Posterior
from dissection.settings import JOBS, WORKERS

KEPT_JOBS = 200
KEPT_CELLS = 20_000  # of ended jobs
IN_MEMORY = 4_000
MISSES = 50_000
IDLE_SECONDS = 600.0


class JobQueue:
    """Samples cells behind the page; one for all visitors of a server.

    Jobs take turns, so that a long one does not hold up a short one. Equal cells of several jobs are sampled once.

    Args:
        store: is looked into first, and gets what is sampled.
        workers: processes; None: as the settings say.
        idle_seconds: after which a worker without work is ended, to give its memory back.
        new_worker: makes a worker; None: a process that puts draws into the store.
    """

    def __init__(
        self,
        store: PosteriorStore,
        workers: int | None = None,
        *,
        idle_seconds: float = IDLE_SECONDS,
        new_worker: Callable[[], Worker] | None = None,
    ) -> None:
        self._store = store
        self._workers = workers or WORKERS.read()
        self._idle_seconds = idle_seconds
        self._new_worker = new_worker or (lambda: WorkerProcess(store))
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._turns: list[Job] = []  # the jobs that have not ended, the next one first
        self._running: dict[str, Run] = {}
        self._resting = 0  # workers that are started and have nothing to do
        self._memory: Recent[list[Posterior]] = Recent(IN_MEMORY)
        self._misses: Recent[None] = Recent(MISSES)
        self._closed = False
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(self._workers)]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close)

    def submit(self, visitor: str, cells: Sequence[Cell]) -> Job:
        """Begin a job and return at once.

        Args:
            visitor: may have `settings.JOBS` under way.
            cells: in the order in which they are wanted.

        Raises:
            InputError: there are no cells, or the visitor has as many jobs under way as they may.
        """
        if not cells:
            raise InputError(
                "There is nothing to sample.", accepted="at least one judge with a verdict", remedy="choose more judges or groups"
            )
        with self._changed:
            if self._closed:
                raise RuntimeError("The queue is closed.")
            under_way, most = sum(job.visitor == visitor for job in self._turns), JOBS.read()
            if under_way >= most:
                raise InputError(
                    f"{'An analysis' if under_way == 1 else f'{under_way} analyses'} of yours {'is' if under_way == 1 else 'are'} still running.",
                    accepted="one analysis at a time" if most == 1 else f"{most} analyses at a time",
                    remedy="cancel it or wait until it ends" if most == 1 else "wait until one ends",
                )
            job = Job(visitor, cells, self._changed, self._running, self._share)
            self._jobs[job.id] = job
            self._turns.append(job)
            self._forget_old_jobs()
        threading.Thread(target=self._look_up, args=(job, list(cells)), daemon=True).start()
        return job

    def latest(self, visitor: str) -> Job | None:
        """The visitor's last job, running or not; None where there is none or it is long ago."""
        with self._changed:
            return next((job for job in reversed(self._jobs.values()) if job.visitor == visitor), None)

    def cancel(self, job: Job) -> None:
        """End a job now. What it has stays; workers on cells that nobody else wants are ended. An ended job stays as it is."""
        with self._changed:
            if job not in self._turns:
                return
            self._turns.remove(job)
            for key in job.cancel():
                if key in self._running and not any(other.wants(key) for other in self._turns):
                    self._running.pop(key).worker.kill()
            self._changed.notify_all()

    def result(self, cell: Cell) -> list[Posterior] | None:
        """A cell's posteriors from memory or the store; None where it was not sampled. Cheap enough for every rerun of a page."""
        key = cell.key
        with self._changed:
            found = self._memory.get(key)
            if found is None and key in self._misses:
                return None
        if found is None:
            found = self._stored(cell)
            with self._changed:
                if found is not None:
                    self._remember(key, found)
                elif key not in self._memory:  # it may have been sampled meanwhile
                    self._misses.put(key, None)
        return None if found is None else named_after(cell, found)

    def forget(self, keys: Set[str]) -> None:
        """Drop cells from memory and the store, and end and drop the jobs that are about them alone."""
        with self._changed:
            for job in [job for job in self._jobs.values() if job.keys <= keys]:
                self.cancel(job)
                del self._jobs[job.id]
            for key in keys:
                self._memory.drop(key)
        for key in keys:
            self._store.remove(key)

    def close(self) -> None:
        """Cancel all jobs and end all workers."""
        with self._changed:
            self._closed = True
            for job in list(self._turns):
                self.cancel(job)
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=2)
        atexit.unregister(self.close)

    def _share(self) -> float:
        """How many workers a job has, as jobs take turns."""
        return self._workers / max(1, len(self._turns))

    def _look_up(self, job: Job, cells: list[Cell]) -> None:
        """Answer what is known already and release the rest to the workers."""
        wanted = {cell.key: cell for cell in cells}
        with self._changed:
            if not job.ended:
                job.expect([cell.key for cell in cells])
        for key, cell in wanted.items():
            with self._changed:
                found = self._memory.get(key)
            found = found or self._stored(cell)
            with self._changed:
                if job.ended:
                    return
                found = found or self._memory.get(key)  # it may have been sampled meanwhile
                if found:
                    self._remember(key, found)
                    self._settle(job, key, Reply(found))
                elif job.wants(key):
                    job.is_ready(key)
                self._changed.notify_all()

    def _stored(self, cell: Cell) -> list[Posterior] | None:
        try:
            return self._store.get(cell)
        except Exception:  # noqa: BLE001 (whatever is wrong with the store, the cell can be sampled)
            return None

    def _serve(self) -> None:
        """A worker's thread: take the next cell, have it sampled, again."""
        worker: Worker | None = None
        while True:
            with self._changed:
                run = self._await_run(worker)
            if run is None:
                if worker:
                    worker.kill()
                    worker = None
                if self._closed:
                    return
                continue
            worker = run.worker
            try:
                reply = worker.run(run.cell)
            except WorkerDied as death:
                reply = Reply([], error=str(death))
            except Exception as error:  # noqa: BLE001 (a thread less would be a worker less, for good)
                worker.kill()
                reply = Reply([], error=f"Sampling failed with {type(error).__name__}: {error}.")
            with self._changed:
                self._finish(run, reply)

    def _await_run(self, worker: Worker | None) -> Run | None:
        """The next cell and the worker that takes it; None where the worker has rested long enough or the queue is closed."""
        resting = worker is not None and worker.alive

        def due() -> Job | None:
            # A resting worker has its model compiled; one that would have to start leaves the cell to it.
            return next((job for job in self._turns if job.next_cell()), None) if resting or not self._resting else None

        self._resting += resting
        self._changed.wait_for(lambda: self._closed or due(), self._idle_seconds if resting else None)
        job = None if self._closed else due()
        self._resting -= resting
        self._changed.notify_all()
        cell = job.next_cell() if job else None
        if job is None or cell is None:
            return None
        self._turns.remove(job)
        self._turns.append(job)
        warm = worker is not None and worker.alive  # it may have died while it rested
        run = Run(cell, worker if worker and warm else self._new_worker(), cold=not warm)
        self._running[cell.key] = run
        return run

    def _finish(self, run: Run, reply: Reply) -> None:
        key = run.cell.key
        if self._running.get(key) is run:
            del self._running[key]
        elif reply.error:
            return  # it was cancelled, and the same cell may run again for a new job
        if not reply.error:
            self._remember(key, reply.posteriors)
        for job in list(self._turns):
            if job.wants(key):
                self._settle(job, key, reply, run)
        self._changed.notify_all()

    def _settle(self, job: Job, key: str, reply: Reply, run: Run | None = None) -> None:
        job.settle(key, reply, run)
        if job.ended:
            self._turns.remove(job)

    def _remember(self, key: str, posteriors: list[Posterior]) -> None:
        self._memory.put(key, posteriors)
        self._misses.drop(key)

    def _forget_old_jobs(self) -> None:
        ended = [job for job in self._jobs.values() if job.ended]
        while ended and (len(ended) > KEPT_JOBS or sum(len(job.labels) for job in ended) > KEPT_CELLS):
            del self._jobs[ended.pop(0).id]
