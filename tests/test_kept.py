"""Results that visitors share: bounded by size, on disk when memory is short, gone with the data that they are of."""

import threading
from pathlib import Path

import numpy as np
import pytest

from dissection.dashboard import kept as module
from dissection.dashboard.kept import MOST_FILES, SPILLED_BYTES, Kept, shared
from dissection.dataset import FloatArray
from tests.conftest import make_dataset

LARGE = SPILLED_BYTES // 8 + 100  # numbers of a result that may go to disk


def large(number: float) -> FloatArray:
    return np.full(LARGE, number)


def held(results: Kept, owner: str, *keys: str) -> list[bool]:
    return [results.get(owner, key) is not None for key in keys]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_was_used_longest_ago_makes_room() -> None:
    results = Kept(3_500, 0)
    for name in "abc":
        results.put("data", name, b"x" * 1_000)
    results.get("data", "a")
    results.put("data", "d", b"x" * 1_000)
    assert held(results, "data", "a", "b", "c", "d") == [True, False, True, True]
    assert results.sizes()[0] <= 3_500


def test_a_result_larger_than_all_memory_is_kept_until_the_next() -> None:
    results = Kept(1_000, 0)
    results.put("data", "huge", b"x" * 9_000)
    assert held(results, "data", "huge") == [True], "or it would be computed at each rerun"
    results.put("data", "next", b"")
    assert held(results, "data", "huge", "next") == [False, True]


def test_large_results_wait_on_disk_and_come_back_as_they_were() -> None:
    results = Kept(int(2.5 * SPILLED_BYTES), 10 * SPILLED_BYTES)
    for number in range(6):
        results.put("data", number, large(number))
    in_memory, on_disk = results.sizes()
    assert in_memory <= 2.5 * SPILLED_BYTES
    assert on_disk >= 4 * SPILLED_BYTES
    for number in range(6):
        found = results.get("data", number)
        assert found is not None
        np.testing.assert_array_equal(found[0], large(number))
        assert results.sizes()[0] <= 2.5 * SPILLED_BYTES, "what comes back sends others out"


def test_disk_is_bounded_too_and_files_are_removed() -> None:
    before = open_files()
    results = Kept(SPILLED_BYTES, 3 * SPILLED_BYTES)
    for number in range(8):
        results.put("data", number, large(number))
        assert results.sizes()[1] <= 3 * SPILLED_BYTES
    assert open_files() > before
    results.drop("data")
    assert results.sizes() == (0, 0)
    assert open_files() == before, "a file without a name is gone when it is closed"


def test_sizes_are_those_of_what_is_kept_whatever_was_done() -> None:
    results, rng = Kept(3 * 8 * LARGE, 2 * 8 * LARGE), np.random.default_rng(0)
    for _ in range(300):
        owner, key = f"data {rng.integers(3)}", int(rng.integers(4))
        deed = rng.integers(8)
        if deed < 4:
            results.put(owner, key, large(1.0) if rng.random() < 0.5 else b"x" * 100)
        elif deed < 7:
            results.get(owner, key)
        else:
            results.drop(owner)
        entries = results._entries.values()
        assert results.sizes() == (
            sum(entry.size for entry in entries if entry.file is None),
            sum(entry.size for entry in entries if entry.file is not None),
        )
    for number in range(3):
        results.drop(f"data {number}")
    assert results.sizes() == (0, 0)


def test_no_more_files_than_a_process_may_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPILLED_BYTES", 10)
    results = Kept(200, 10**9)
    for number in range(MOST_FILES + 50):
        results.put("data", number, b"x" * 100)
    assert results.sizes()[1] <= MOST_FILES * 200
    assert held(results, "data", *map(str, range(3))) == [False] * 3


def test_a_full_disk_costs_the_result_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "private_file", Full)
    results = Kept(SPILLED_BYTES, 10 * SPILLED_BYTES)
    results.put("data", "first", large(1))
    results.put("data", "second", large(2))
    assert held(results, "data", "first", "second") == [False, True]


def test_orphans_are_dropped_and_what_has_visitors_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    results = Kept(10**9, 0)
    results.put("private", "fit", 1)
    results.put("demo", "fit", 2)
    results.drop_orphans(lambda owner: owner == "demo")
    assert held(results, "private", "fit") == [True], "its visitor may be on the way"
    monkeypatch.setattr(module, "ORPHAN_SECONDS", -1.0)
    results.drop_orphans(lambda owner: owner == "demo")
    assert (held(results, "private", "fit"), held(results, "demo", "fit")) == ([False], [True])


def test_it_is_made_once_for_all_who_ask_at_the_same_time() -> None:
    results, made, gate = Kept(10**6, 0), [], threading.Event()

    def make() -> str:
        made.append(1)
        gate.wait(10)
        return "found"

    found: list[str] = []
    asking = [threading.Thread(target=lambda: found.append(results.result("data", "fit", make))) for _ in range(5)]
    for thread in asking:
        thread.start()
    gate.set()
    for thread in asking:
        thread.join(10)
    assert found == ["found"] * 5
    assert len(made) == 1


def test_a_failure_is_not_kept() -> None:
    results = Kept(10**6, 0)
    with pytest.raises(ZeroDivisionError):
        results.result("data", "fit", lambda: 1 // 0)
    assert results.result("data", "fit", lambda: None) is None
    assert results.get("data", "fit") == (None,), "nothing is a result too"


def test_a_shared_function_knows_data_by_all_that_is_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Kept(10**6, 0)
    monkeypatch.setattr(module, "kept", lambda: own)
    calls = []

    @shared()
    def pairs(dataset: object, more: int, *, twice: bool = False) -> int:
        calls.append(more)
        return len(dataset) * (2 if twice else 1) + more  # type: ignore[arg-type]

    one, same, other = make_dataset(20, seed=1), make_dataset(20, seed=1), make_dataset(20, seed=2)
    assert [pairs(one, 1), pairs(same, 1), pairs(one, 2), pairs(one, 1, twice=True), pairs(other, 1)] == [21, 21, 22, 41, 21]
    assert calls == [1, 2, 1, 1]
    own.drop(one.content_hash)
    assert pairs(other, 1) == 21
    assert len(calls) == 4
    pairs(same, 1)
    assert len(calls) == 5
