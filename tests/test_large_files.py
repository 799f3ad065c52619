"""Files too large to hold: rows are read from disk when they are needed, texts stay there, and everything comes out the same."""

import contextlib
import dataclasses
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissection import spool
from dissection.dataset import TEXT_COLUMNS, PairDataset
from dissection.doctor import examine
from dissection.errors import DatasetError, FileError, InputError, LabelError
from dissection.native_file import native_bytes, write_native
from dissection.readers import building, native, open_dataset
from dissection.readers.native_columns import read_columns
from dissection.regression.folds import query_clusters
from dissection.selection import Filter, select
from dissection.spool import Blocks, Spool, TextColumns
from dissection.tables import joined, read_table
from dissection.text_properties import annotate
from tests.conftest import make_dataset
from tests.test_native_file import rich, same
from tests.test_pages import Open, open_page, rows, text, write
from tests.test_readers import json_lines
from tests.test_readers_foreign import FILES

__all__ = ["open_page"]  # the fixture
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as large; blocks are small, so that there are several."""
    monkeypatch.setattr(spool, "SPILL_BYTES", 0)
    monkeypatch.setattr("dissection.spool._BUFFERED", 100)
    for module in ("tables_lines", "tables_parquet"):
        monkeypatch.setattr(f"dissection.{module}.BLOCK_ROWS", 3)


def of_disk(dataset: PairDataset) -> bool:
    return any(isinstance(dataset.pairs[name].dtype, pd.ArrowDtype) for name in TEXT_COLUMNS)


# --- the same dataset ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "content"), FILES)
def test_every_form_reads_the_same_from_disk(name: str, content: bytes, request: pytest.FixtureRequest) -> None:
    plain = open_dataset(content, "x", reader=name)
    request.getfixturevalue("on_disk")
    large = open_dataset(content, "x", reader=name)
    assert of_disk(large) or not len(large)
    # What is one object in a small file is one line of a large one, and so called.
    assert [note.replace(" line ", " item ") for note in large.notes] == [note.replace(" line ", " item ") for note in plain.notes]
    assert dataclasses.replace(large, notes=()).content_hash == dataclasses.replace(plain, notes=()).content_hash


@pytest.mark.parametrize("form", [".jsonl", ".gz", ".parquet"])
def test_native_files_read_the_same_from_disk(form: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    dataset = rich()
    path = tmp_path / f"data{form}"
    write_native(dataset, path)
    plain = open_dataset(path)
    request.getfixturevalue("on_disk")
    large = open_dataset(path)
    assert of_disk(large)
    same(plain, large)
    assert large.content_hash == plain.content_hash
    assert native_bytes(large, form) == native_bytes(plain, form)


@pytest.mark.parametrize("name", ["pandalm.jsonl", "llmbar.jsonl"])
def test_what_is_made_of_texts_on_disk_is_the_same(shared: Path, name: str, request: pytest.FixtureRequest) -> None:
    plain = open_dataset(shared / name)
    request.getfixturevalue("on_disk")
    large = open_dataset(shared / name)
    assert of_disk(large)
    assert large.content_hash == plain.content_hash
    assert [str(finding) for finding in examine(large)] == [str(finding) for finding in examine(plain)]
    np.testing.assert_array_equal(query_clusters(large), query_clusters(plain))
    np.testing.assert_array_equal(annotate(large).scores, annotate(plain).scores)
    word = Filter(text="the")
    assert select(plain, word).tolist() == select(large, word).tolist()
    for row in (0, 1, len(plain) - 1):
        assert [large.text(row, column) for column in TEXT_COLUMNS] == [plain.text(row, column) for column in TEXT_COLUMNS]


WORDS = st.sampled_from(["a", "b", "tie", "", " A ", "x;y", "0.5", "maybe", "null", "=1"])
CELL = st.one_of(st.none(), WORDS, st.floats(), st.integers(-1, 3), st.booleans(), st.lists(WORDS, max_size=2))
SIDES = st.dictionaries(st.sampled_from(["a", "b", "comparison"]), st.one_of(st.none(), st.floats(0, 3), st.integers(0, 3)), max_size=3)
ORDERS = st.dictionaries(st.sampled_from(["ab", "ba"]), st.one_of(st.none(), st.sampled_from(["a", "b"])), max_size=2)
NESTED = {
    "pair_id": st.one_of(st.none(), st.text("pqr ", max_size=3)),
    "scenario": st.one_of(st.none(), WORDS),
    "query": st.one_of(st.none(), st.text(max_size=5), st.integers()),
    "conditions": st.one_of(st.none(), st.lists(WORDS, max_size=2)),
    "labels": st.one_of(st.none(), st.dictionaries(st.sampled_from(["me", "x.y"]), st.one_of(CELL, ORDERS), max_size=2)),
    "properties": st.one_of(st.none(), st.dictionaries(st.sampled_from(["polite", "p.a"]), st.one_of(SIDES, st.none()), max_size=2)),
    "meta": st.one_of(st.none(), st.dictionaries(st.sampled_from(["m", "n"]), CELL, max_size=2)),
    "other": WORDS,
}
FLAT = {
    "pair_id": st.text("pqr", max_size=3),
    "conditions": st.one_of(st.none(), WORDS),
    **dict.fromkeys(
        ("label.me", "label.you.ab", "label.you.ba", "label.you", "label."), st.one_of(st.none(), st.sampled_from(["a", "b", ""]))
    ),
    **dict.fromkeys(("property.x", "property.x.a", "property.x.b", "property.y"), st.one_of(st.none(), st.floats(-2, 2))),
    "meta.m": CELL,
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table | None:
    """A table near the native form; None where Arrow can't hold it."""
    kinds = draw(st.sampled_from([NESTED, FLAT]))
    names = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=6, unique=True))
    rows = draw(st.lists(st.fixed_dictionaries({name: kinds[name] for name in names}), min_size=1, max_size=4))
    try:
        return pa.Table.from_pylist(rows, schema=None)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return None


@settings(max_examples=400, deadline=None)
@given(tables())
def test_columns_say_what_rows_say(table: pa.Table | None) -> None:
    """Parquet of records read column by column, beside the same read one by one."""
    if table is None:
        return
    try:
        by_rows = native.read_records(table.to_pylist(), "x")
    except InputError:
        with contextlib.suppress(InputError):
            assert read_columns(table, "x") is None
        return
    by_columns = read_columns(table, "x")
    if by_columns is not None:
        same(by_rows, by_columns)
        assert by_columns.notes == by_rows.notes


def test_plain_columns_are_not_read_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "read_records", lambda *_: pytest.fail("read row by row"))
    content = native_bytes(rich(), ".parquet")
    same(rich(), open_dataset(content, "x.parquet"))


@pytest.mark.parametrize(
    ("column", "value", "error", "words"),
    [
        ("label.me", "maybe", LabelError, "'maybe' is not a verdict"),
        ("label.me", 1.5, LabelError, "not a probability"),
        ("property.polite.a", float("inf"), DatasetError, "polite"),
        ("property.polite.a", "high", DatasetError, "'high'"),
        ("pair_id", "p0", DatasetError, "'p0' comes in row 1 and again in row 3"),
    ],
)
def test_a_value_that_can_not_be_is_named_with_its_row(column: str, value: object, error: type[InputError], words: str) -> None:
    frame = pd.DataFrame(
        {"pair_id": ["p0", "p1", "p2"], "label.me": ["a", "b", None], "property.polite.a": [1.0, 2, 3], "property.polite.b": 0}
    )
    frame[column] = [*frame[column][:2], value]
    if value == "high":
        frame[column] = ["1", "2", value]
    elif isinstance(value, float) and column == "label.me":
        frame[column] = [0.5, 0.5, value]
    content = io.BytesIO()
    frame.to_parquet(content)
    with pytest.raises(error, match=words) as raised:
        open_dataset(content.getvalue(), "x.parquet")
    assert "row 3" in str(raised.value)


def test_a_judge_with_a_plain_column_and_one_of_an_order_is_refused() -> None:
    with pytest.raises(DatasetError, match="a column of its own and one for an order"):
        open_dataset(b"pair_id,label.me,label.me.ab,property.x\np,a,b,1\n", "x.csv")


# --- bounds --------------------------------------------------------------------------------------------------------------------------


def test_names_mistaken_for_values_are_refused_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "MAX_NUMBERS", 10_000)
    rows = [{"pair_id": f"p{i}", "labels": {f"judge {i}": "a"}, "properties": {"x": {"comparison": 1}}} for i in range(500)]
    with pytest.raises(DatasetError, match=r"more than can be held"):
        open_dataset(json_lines(rows), "x.jsonl")


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"pair_id": "p9", "labels": ', "malformed"),
        (b'{"pair_id": "p9", "pair_id": "p9"}', "comes twice"),
        (b"[1, 2]", "no object"),
        (b'{"pair_id": "\xff"}', "not valid UTF-8"),
        (b'{"pair_id": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested too deeply"),
    ],
)
def test_a_broken_line_of_a_large_file_is_named(line: bytes, words: str) -> None:
    good = json_lines([{"pair_id": f"p{i}", "labels": {"me": "a"}, "properties": {"x": {"comparison": 1}}} for i in range(7)])
    with pytest.raises(FileError, match=words) as raised:
        open_dataset(good + line + b"\n" + good, "x.jsonl")
    assert "line 8" in str(raised.value)


@pytest.mark.usefixtures("on_disk")
def test_half_a_character_in_a_large_file_is_refused() -> None:
    with pytest.raises(DatasetError, match="half of a character"):
        open_dataset(b'{"pair_id": "p", "query": "\\ud800", "labels": {"me": "a"}, "properties": {"x": {"comparison": 1}}}\n', "x.jsonl")


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda raw: raw, lambda raw: pa.compress(raw, "zstd", asbytes=True)], ids=["gzip", "plain", "zstd"]
)
def test_a_packed_local_file_is_unpacked_beside_the_memory(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    content = native_bytes(rich(), ".jsonl")
    (tmp_path / "x").write_bytes(pack(content))
    same(rich(), open_dataset(tmp_path / "x"))


def test_a_local_zip_is_unpacked_beside_the_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.jsonl", native_bytes(rich(), ".jsonl"))
    same(rich(), open_dataset(tmp_path / "x.zip"))


def test_a_bomb_on_disk_is_given_up_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(5_000_000)))
    with pytest.raises(FileError, match="unpacks to more than 1 MB"):
        read_table(tmp_path / "x.gz", "x.gz", 1_000_000)


def test_several_files_are_one_table() -> None:
    tables = [read_table(json_lines([{"a": i, "b": "x"}, {"a": i, "c": None}]), "x.jsonl") for i in range(3)]
    table = joined(tables, "all")
    assert [row["a"] for row in table.rows] == [0, 0, 1, 1, 2, 2]
    assert (table.columns, list(table.numbers), table.rows[-1]["a"]) == (("a", "b", "c"), [1, 2, 3, 4, 5, 6], 2)


def test_several_parquet_files_are_one_table() -> None:
    def file(rows: list[dict[str, object]]) -> bytes:
        out = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), out)
        return out.getvalue()

    tables = [read_table(file([{"a": 1}]), "1"), read_table(file([{"a": 2, "b": "x"}]), "2")]
    assert list(joined(tables, "all").rows) == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    with pytest.raises(FileError):
        joined([tables[0], read_table(file([{"a": "text"}]), "3")], "all")


# --- parts ---------------------------------------------------------------------------------------------------------------------------


def test_blocks_are_a_sequence() -> None:
    loaded: list[int] = []

    def load(block: int) -> list[int]:
        loaded.append(block)
        return list(range(block * 4, min(block * 4 + 4, 10)))

    blocks = Blocks([0, 4, 8], 10, load)
    assert (len(blocks), list(blocks), blocks[-1], blocks[3:6]) == (10, list(range(10)), 9, [3, 4, 5])
    with pytest.raises(IndexError):
        blocks[10]
    loaded.clear()
    assert [blocks[i] for i in range(10)] == list(range(10))
    assert len(loaded) <= 3


def test_the_file_of_a_spool_has_no_name_and_outlives_the_spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "SPILL_BYTES", 10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    batch = pa.record_batch({"x": ["some text", "more"]})
    filled = Spool(batch.schema)
    for _ in range(3):
        filled.add(batch)
    assert filled.on_disk
    assert list(tmp_path.iterdir()) == []
    table = filled.table()
    del filled
    assert table.column("x").to_pylist() == ["some text", "more"] * 3


def test_few_texts_stay_in_memory() -> None:
    columns = TextColumns(["q"])
    columns.add(("x",))
    columns.add((None,))
    assert columns.finish()["q"].tolist() == ["x", None]
    assert TextColumns(["q"]).finish()["q"].dtype == object


MEASURE = """
import ctypes
import sys
from pathlib import Path
from dissection import spool
from dissection.readers import open_dataset
from tests.test_large_files import anonymous

spool.SPILL_BYTES = 8_000_000
open_dataset(Path(sys.argv[2]))  # what is loaded at first use is not counted
before = anonymous()
data = open_dataset(Path(sys.argv[1]))
trimmed = ctypes.CDLL(None).malloc_trim(0)  # what the allocator keeps for later differs from run to run
print(anonymous() - before, len(data), data.text(len(data) - 1, "response_b")[:8])
"""


def anonymous() -> int:
    """Bytes of memory that belong to no file."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc, and trimmed by glibc")
@pytest.mark.parametrize("form", [".jsonl", ".parquet", "-judgments.jsonl"])
def test_texts_are_left_on_disk(tmp_path: Path, form: str) -> None:
    """Less than half of the texts is held in memory."""
    rng = np.random.default_rng(0)
    # Of judgments there are few, as text properties are computed for them.
    texts = [rng.bytes(10_000).hex() for _ in range(1_000 if "judgments" in form else 4_000)]
    large, small = tmp_path / f"large{form}", tmp_path / f"small{form}"
    write_native(make_dataset(n=6), small)
    rows = [
        {"pair_id": f"p{i}", "response_a": "x", "response_b": text, "label.me": "a", "property.polite": 1.0} for i, text in enumerate(texts)
    ]
    if form == "-judgments.jsonl":  # two a pair, so the file is twice as large
        each = ({"instruction": f"q{i}", "output_1": "x", "output_2": text, "preference": 1.0} for i, text in enumerate(texts))
        rows = [row | {"annotator": judge} for row in each for judge in ("me", "you")]
    if form.endswith(".jsonl"):
        large.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(rows), large)
    del rows
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large), str(small)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    kept, count, start = done.stdout.split()
    assert (int(count), start) == (len(texts), texts[-1][:8])
    assert int(kept) < sum(map(len, texts)) / 2


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize("page", ["overview", "pairs", "doctor", "export", "upload", "scores"])
def test_pages_read_texts_from_disk(open_page: Open, tmp_path: Path, page: str) -> None:
    found = rows(n=30)
    found[3].pop("response_a")
    at = open_page(page, write(tmp_path, found))
    assert not at.error
    assert "<NA>" not in text(at)


@pytest.mark.parametrize("form", [".csv", ".parquet"])
def test_verdicts_on_criteria_are_kept(form: str) -> None:
    frame = pd.DataFrame({"pair_id": ["p", "q"], "label.me": ["a", "b"], "property.x": [1.0, -1.0], "criterion.me.correct": ["a", "tie"]})
    out = io.BytesIO()
    frame.to_parquet(out) if form == ".parquet" else frame.to_csv(out, index=False)
    found = open_dataset(out.getvalue(), f"x{form}")
    assert found.pairs["meta.criterion.me.correct"].tolist() == ["a", "tie"]
    assert not any("not used" in note for note in found.notes)
