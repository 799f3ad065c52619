"""What was sampled for data that nobody has any more: gone from memory and disk, but for what other data share."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from dissection.dashboard import analysis
from dissection.dataset import PairDataset
from dissection.jobs.queue import JobQueue
from dissection.jobs.store import PosteriorStore
from dissection.regression.cells import Cell
from dissection.regression.cells import cells as all_cells
from dissection.regression.model import STANDARD
from tests.conftest import make_dataset
from tests.jobs_cells import SHORT, TASTES, made_up, small_cells
from tests.test_jobs_queue import Workshop


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


@pytest.fixture
def queue(tmp_path: Path, shop: Workshop) -> Iterator[JobQueue]:
    found = JobQueue(PosteriorStore(tmp_path / "store", 10**9), 1, new_worker=shop.make)
    yield found
    found.close()


def kept(queue: JobQueue, cells: list[Cell]) -> list[bool]:
    return [queue.result(cell) is not None for cell in cells]


def test_cells_are_forgotten_in_memory_and_on_disk(queue: JobQueue) -> None:
    cells = small_cells(4)
    for cell in cells:
        queue._store.put(cell, made_up(cell))
    assert kept(queue, cells) == [True] * 4
    queue.forget({cell.key for cell in cells[:2]} | {"0" * 64})
    assert kept(queue, cells) == [False, False, True, True]
    assert [queue._store.path(cell.key) is not None for cell in cells] == [False, False, True, True]


def test_a_job_that_is_about_nothing_else_ends(queue: JobQueue, shop: Workshop) -> None:
    cells = small_cells(4)
    first = queue.submit("one", cells[:2])
    shop.await_given(cells[0].label)
    second = queue.submit("two", cells[1:])
    queue.forget({cell.key for cell in cells[:2]})
    assert first.ended
    assert queue.latest("one") is None, "nothing of it is left"
    assert not second.ended, "it wants other cells too"
    assert queue.latest("two") is second


def test_cells_that_other_data_share_stay(monkeypatch: pytest.MonkeyPatch, queue: JobQueue) -> None:
    """The rows of a judge make the cell: another judge beside it makes other data, and the same cell."""
    demo = make_dataset(60, 2, TASTES, ("s0", "s1"))
    mine = dataclasses.replace(demo, name="mine")
    asked: dict[str, set[str]] = {}
    monkeypatch.setattr(analysis, "queue", lambda: queue)
    monkeypatch.setattr(analysis, "_asked_for", lambda: asked)
    monkeypatch.setattr(analysis, "settings", lambda: SHORT)
    names = iter(["one", "two"])
    monkeypatch.setattr(analysis, "visitor", lambda: next(names))

    def start(dataset: PairDataset, *judges: str) -> None:
        analysis.start(dataset, STANDARD, judges, dataset.groups)

    start(demo, "one")
    start(mine, "one", "two")
    both = all_cells(mine, STANDARD, SHORT)
    for cell in both:
        queue._store.put(cell, made_up(cell))
    analysis.forget(mine.content_hash)
    assert {cell.judge: queue._store.path(cell.key) is not None for cell in both} == {"one": True, "two": False}
    analysis.forget(demo.content_hash)
    assert not any(queue._store.path(cell.key) for cell in both)
