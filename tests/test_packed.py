"""Packed files: each kind is opened by its content, bounded, and refused in words where it can't be."""

import contextlib
import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissection.errors import FileError
from dissection.packed import unpack
from dissection.tables import read_table

TEXT = b"a,b\n1,2\n"


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


PACK = {"gzip": gzip.compress, "zstd": zstd, "ZIP": lambda content: zipped(**{"rows.csv": content})}


@pytest.mark.parametrize("kind", PACK)
def test_each_kind_is_opened_whatever_its_name(kind: str) -> None:
    table = read_table(PACK[kind](TEXT), "labels.txt")
    assert table.rows == [{"a": "1", "b": "2"}]


def test_a_parquet_file_in_an_archive() -> None:
    import pandas as pd

    content = bytes(pd.DataFrame({"x": [1, 2]}).to_parquet())
    assert read_table(zipped(**{"x.parquet": content}), "x.zip").kind == "parquet"


def test_other_content_is_left_alone() -> None:
    assert unpack(TEXT, "x", 100) is TEXT


@pytest.mark.parametrize("kind", PACK)
def test_bombs_are_not_unpacked(kind: str) -> None:
    with pytest.raises(FileError, match=rf"{kind} file .* unpacks to more than 1 MB"):
        unpack(PACK[kind](bytes(50_000_000)), "bomb", 1_000_000)


@pytest.mark.parametrize("kind", PACK)
def test_cut_off_files_are_broken(kind: str) -> None:
    content = PACK[kind](TEXT * 1000)
    with pytest.raises(FileError, match="is broken"):
        unpack(content[: len(content) // 2], "x", 10**6)


@pytest.mark.parametrize("outer", PACK)
@pytest.mark.parametrize("inner", PACK)
def test_one_layer_only(outer: str, inner: str) -> None:
    with pytest.raises(FileError, match=f"holds another {inner}"):
        unpack(PACK[outer](PACK[inner](TEXT)), "x", 10**6)


def test_archives_hold_one_file() -> None:
    with pytest.raises(FileError, match=r"holds 2 files: a\.csv, b\.csv"):
        unpack(zipped(**{"a.csv": TEXT, "b.csv": TEXT}), "x.zip", 10**6)
    with pytest.raises(FileError, match="holds 0 files"):
        unpack(zipped(**{"folder/": b""}), "x.zip", 10**6)
    assert unpack(zipped(**{"folder/": b"", "folder/a.csv": TEXT, "__MACOSX/._a.csv": b"x"}), "x.zip", 10**6) == TEXT


def test_a_workbook_is_named() -> None:
    with pytest.raises(FileError, match=r"Excel workbook.*save the sheet as CSV"):
        unpack(zipped(**{"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "x.csv", 10**6)


def test_names_inside_are_not_used(tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    assert unpack(zipped(**{"../../evil.csv": TEXT}), str(tmp_path / "x.zip"), 10**6) == TEXT
    assert set(tmp_path.iterdir()) == before


def test_a_locked_archive_is_refused() -> None:
    content = bytearray(zipped(**{"a.csv": TEXT}))
    content[6] |= 1  # the flag of encryption, in the file's own header
    start = content.index(b"PK\x01\x02")
    content[start + 8] |= 1
    with pytest.raises(FileError, match="broken or locked"):
        unpack(bytes(content), "x.zip", 10**6)


@settings(max_examples=200)
@given(kind=st.sampled_from(sorted(PACK)), where=st.floats(0, 1), value=st.integers(0, 255), noise=st.binary(max_size=40))
def test_damaged_files_are_read_or_refused(kind: str, where: float, value: int, noise: bytes) -> None:
    content = bytearray(PACK[kind](TEXT * 20))
    content[min(len(content) - 1, 4 + int(where * len(content)))] = value
    for damaged in (bytes(content), PACK[kind](TEXT)[:4] + noise):
        with contextlib.suppress(FileError):
            assert len(unpack(damaged, "x", 10_000)) <= 10_000
