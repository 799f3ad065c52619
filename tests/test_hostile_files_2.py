"""More files made to do harm: encodings, line ends, pickles and other files that are no table, and Parquet that lies."""

import datetime as dt
import gzip
import io
import json
import pickle
import sqlite3
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dissection.errors import DatasetError, FileError, InputError, LabelError
from dissection.labels import read_labels
from dissection.readers import names, open_dataset
from fuzz.checks import check_dataset
from tests.strategies import dataset as pairs_of
from tests.test_hostile_files import native, parquet, refused, used, written

# --- encodings and lines -------------------------------------------------------------------------------------------------------------

TABLE = "pair_id,label.é,property.x\np1,a,1\np2,b,-1\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_mark(encoding: str) -> None:
    assert used(TABLE.encode(encoding)).judge_names == ("é",)
    for order in ("le", "be"):
        if encoding in ("utf-16", "utf-32"):
            assert used(("\ufeff" + TABLE).encode(f"{encoding}-{order}")).judge_names == ("é",)


def test_text_without_a_mark_in_another_encoding() -> None:
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le"):
        assert "UTF-8" in refused(TABLE.encode(encoding), "NUL byte", FileError)
    assert "line 1" in refused(TABLE.encode("latin-1"), "not valid UTF-8: byte 14 is 0xe9", FileError)
    refused(TABLE.encode("utf-16")[:-1], "not valid UTF-16", FileError)
    refused(TABLE.encode() + b"\0", "NUL byte", FileError)


def test_a_mark_in_the_middle_is_a_character() -> None:
    dataset = used(native() + b"\n".join([b"", native(pair_id="\ufeffp2")]))
    assert dataset.pairs.index.tolist() == ["p1", "\ufeffp2"]
    refused(native() + b"\xef\xbb\xbf" + native(pair_id="p2"), "malformed", FileError)


@pytest.mark.parametrize("ends", ["\n\r\n\r", "\r\n\r\n", "\r\r\r", "\n\n\r\n"])
def test_line_ends_of_several_kinds(ends: str) -> None:
    first, second, third = ends[:1], ends[1:-1] or "\n", ends[-1:]
    text = f'pair_id,response_a,response_b,label.me{first}p1,one,two,a{second}p2,"a\rb\nc\r\nd",two,b{third}'
    dataset = used(text.encode())
    assert dataset.pairs.index.tolist() == ["p1", "p2"]
    assert dataset.text(1, "response_a") == "a\rb\nc\r\nd"


# --- other files ---------------------------------------------------------------------------------------------------------------------


class Trap:
    """Loading its pickle would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def traps(folder: Path) -> dict[str, bytes]:
    trap, sprung = Trap(folder / "sprung"), io.BytesIO()
    np.save(sprung, np.array([trap], dtype=object), allow_pickle=True)
    found = {f"protocol {protocol}": pickle.dumps(trap, protocol) for protocol in range(6)}
    found |= {".npy": sprung.getvalue(), "joblib": b"\x80\x04" + pickle.dumps(trap), "packed": gzip.compress(pickle.dumps(trap))}
    for name, members in {"torch": ["archive/data.pkl", "archive/version"], "npz": ["x.npy"]}.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for member in members:
                archive.writestr(member, found[".npy"] if name == "npz" else pickle.dumps(trap))
        found[name] = out.getvalue()
    return found


def test_a_pickle_is_refused_and_never_opened(tmp_path: Path) -> None:
    for name, content in traps(tmp_path).items():
        for data in (content, tmp_path / "upload"):
            (tmp_path / "upload").write_bytes(content)
            with pytest.raises(FileError):
                open_dataset(data, name)
            with pytest.raises(InputError):
                read_labels(data, name, pairs_of(["p1"]), judge="me")
    assert not (tmp_path / "sprung").exists()
    pickle.loads(traps(tmp_path)["protocol 2"])
    assert (tmp_path / "sprung").exists(), "the trap works"


def test_files_that_hold_no_rows_are_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as base:
        base.execute("CREATE TABLE x (pair_id TEXT)")
    base.close()
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    known = {
        "an SQLite database": (tmp_path / "x.db").read_bytes(),
        "a PNG image": b"\x89PNG\r\n\x1a\n",
        "a JPEG image": b"\xff\xd8\xff\xe0",
        "a web page": b"\n <!DOCTYPE html><script>alert(1)</script>",
        "an old Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Excel workbook": workbook.getvalue(),
        "a PDF document": b"%PDF-1.7",
        "an HDF5 file": b"\x89HDF\r\n\x1a\n",
        "an Arrow or Feather file": b"ARROW1\0\0",
        "a bzip2 archive": b"BZh91AY",
    }
    for what, content in known.items():
        refused(content, what, FileError)


# --- Parquet -------------------------------------------------------------------------------------------------------------------------

WHEN = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
KINDS: dict[str, tuple[Any, str]] = {
    "time": (pa.array([WHEN, None]), "not a verdict"),
    "day": (pa.array([WHEN.date(), None]), "not a verdict"),
    "binary": (pa.array([b"\xff\0", None]), "not a verdict"),
    "list": (pa.array([["a"], None]), "not a verdict"),
    "truth": (pa.array([True, None]), "not a verdict"),
    "time no clock shows": (pa.array([2**62, None], pa.timestamp("us")), "broken"),
    "zone that is nowhere": (pa.array([1, None], pa.timestamp("us", tz="Not/AZone")), "broken"),
}


@pytest.mark.parametrize(("values", "words"), KINDS.values(), ids=KINDS)
def test_verdicts_of_another_kind(values: Any, words: str) -> None:
    refused(parquet(**{"label.me": values}), words)


def test_decimals_and_dictionaries_are_what_they_hold() -> None:
    dataset = used(parquet(**{"property.x": pa.array([Decimal("0.5"), Decimal(-1)])}))
    assert dataset.comparisons[:, 0].tolist() == [0.5, -1]
    for verdicts in (pa.array(["a", None]).dictionary_encode(), pa.array([1.0, None]).dictionary_encode()):
        np.testing.assert_array_equal(used(parquet(**{"label.me": verdicts})).verdicts[:, 0, 0], [1, np.nan])
    nested = pa.array([{"me": "b"}, {"me": "tie"}]).cast(pa.struct([("me", pa.dictionary(pa.int32(), pa.string()))]))
    plain = parquet(labels=nested, properties=[{"x": {"comparison": 1}}] * 2).replace(b"label.me", b"other.me")
    assert used(plain).verdicts[:, 0, 0].tolist() == [0, 0.5]


def test_parquet_cut_off_or_with_other_bytes_in_it() -> None:
    content = parquet(**{"property.x": [1.0, 2.0]})
    for end in range(0, len(content), 37):
        refused(content[: max(end, 4)], "broken", FileError)
    rng = np.random.default_rng(0)
    for _ in range(200):
        spoiled = bytearray(content)
        for place in rng.integers(4, len(content), size=3):
            spoiled[place] = rng.integers(256)
        check_dataset(lambda spoiled=bytes(spoiled): open_dataset(spoiled, "x"))


def test_bytes_of_parquet_that_are_no_text() -> None:
    offsets = pa.array([0, 2], pa.int32()).buffers()[1]
    column = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    for name in ("response_a", "label.me", "pair_id", "meta.m"):
        refused(written(pa.table({name: column, "response_b": ["y"], "label.you": ["a"]})), "codec can't decode", FileError)


def test_labels_for_pairs_that_are_not_there() -> None:
    rows = "".join(f"nobody{i},a\n" for i in range(1_000))
    (report,) = read_labels(f"pair_id,me\n{rows}".encode(), "x", pairs_of(["p1"]))
    assert (report.unknown_ids, report.matched, len(report.unknown_id_examples)) == (1_000, 0, 5)
    with pytest.raises(LabelError, match="No pair has a verdict"):
        report.join(pairs_of(["p1"]))


def test_the_bounds_of_names_are_those_that_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MAX_NAMES", 3)
    kinds = {"judges": "labels", "properties": "properties", "meta columns": "meta", "conditions": "conditions", "scenarios": "scenario"}
    for kind, key in kinds.items():
        for many in (3, 4):
            values: list[object] = [f"n{i}" for i in range(many)]
            if key != "scenario":
                cell = {"labels": "a", "properties": {"a": 1}, "meta": 1}.get(key)
                values = [[value] if key == "conditions" else {value: cell} for value in values]
            content = b"".join(native(pair_id=f"p{i}", **{key: value}) for i, value in enumerate(values))
            if many == 3:
                assert len(used(content)) == 3
            else:
                refused(content, f"more than 3 {kind}", DatasetError)
    frame = pd.DataFrame({f"label.j{i}": ["a"] for i in range(4)} | {"property.x": [1.0]})
    refused(bytes(frame.to_parquet()), "more than 3 judges", DatasetError)
    weights = {f"g{i}": {f"j{i}": [0.1] * 29} for i in range(4)}
    refused(json.dumps(weights).encode(), "more than 3 (groups|judges)", DatasetError)
