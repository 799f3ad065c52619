"""How many rows a visitor's file may have: said before the rest of it is read, in each form, and for nobody else."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dissection import spool
from dissection.dashboard import limits
from dissection.errors import FileError
from dissection.tables import read_table
from dissection.tables_parquet import read_parquet
from dissection.tables_text import MAX_ROWS, at_most, most_rows
from tests.fault_tools import Crowd
from tests.hub_fixtures import parquet

ROWS = [{"pair_id": f"p{i}", "winner": "ab"[i % 2]} for i in range(6)]
BROKEN = '{"pair_id": "p6", "pair_id'
MORE = r"There are more than 5 rows\. "
SIX = r"There are 6 (rows|items|lines)\. "


def csv(rows: list[dict[str, str]]) -> bytes:
    return "".join(",".join(row) + "\n" for row in ([*rows[0]], *(row.values() for row in rows))).encode()


def lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def words(rows: list[dict[str, str]]) -> bytes:
    return "".join(row["winner"] + "\n" for row in rows).encode()


FORMS = [
    (csv, b'"broken', MORE),
    (lines, BROKEN.encode(), MORE),
    (lambda rows: json.dumps(rows).encode(), b"", SIX),
    (words, b"", SIX),
    (parquet, b"", SIX),
]


@pytest.mark.parametrize(("form", "rest", "said"), FORMS)
def test_a_row_too_many_is_said_before_the_rest_is_read(form: Callable[[list[dict[str, str]]], bytes], rest: bytes, said: str) -> None:
    with at_most(5):
        assert len(read_table(form(ROWS[:5]), "mine")) == 5
        with pytest.raises(FileError, match=said + r".*at most 5 \w+ from visitors of this server.*your own machine"):
            read_table(form(ROWS) + rest, "mine")
    assert len(read_table(form(ROWS), "mine")) == 6


def test_lines_that_lie_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SPILL_BYTES", 10)
    (tmp_path / "mine.jsonl").write_bytes(lines(ROWS) + BROKEN.encode())
    with at_most(5), pytest.raises(FileError, match=MORE + r".*line 6"):
        read_table(tmp_path / "mine.jsonl", "mine.jsonl")


def test_parquet_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    content = parquet(ROWS)
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *_, **__: pytest.fail("it was decoded"))
    with at_most(5), pytest.raises(FileError, match=SIX):
        read_parquet(content, "mine.parquet", 10**6)


def test_the_bound_is_of_this_thread_and_ends() -> None:
    found = []
    with at_most(5):
        with at_most(3):
            assert most_rows() == 3
        assert most_rows() == 5
        other = threading.Thread(target=lambda: found.append(most_rows()))
        other.start()
        other.join()
    assert found == [MAX_ROWS]
    with at_most(10 * MAX_ROWS):
        assert most_rows() == MAX_ROWS


def test_few_files_are_read_at_the_same_time() -> None:
    crowd, gate = Crowd(), threading.Event()

    def read() -> None:
        with limits.visitors_rows(), crowd:
            gate.wait(10)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert crowd.most == limits.READ_AT_ONCE, "the others wait"
    gate.set()
    for thread in threads:
        thread.join(10)
    assert (crowd.most, crowd.present) == (limits.READ_AT_ONCE, 0)
