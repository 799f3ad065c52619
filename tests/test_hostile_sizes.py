"""Files that are far larger than they look, or hold far more than a dashboard can: refused or read, in bounded memory."""

import gzip
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.test_upload_files import Open, add, cells, go, labels_csv, open_page, small, upload

__all__ = ["open_page", "small"]

ROOT = Path(__file__).resolve().parents[1]
IDS = [f"p{i:03}" for i in range(60)]

# In a process of its own: what is said of each file, and how much memory it took in between, in MB beside the file.
OPEN = """
import json, sys, threading, time
from dissection.errors import InputError
from dissection.inspection import inspect
from dissection.readers import open_dataset
from tests.test_hostile_sizes import FILES
from tests.test_large_files import anonymous

seen = []

def watch():
    while True:
        seen.append(anonymous())
        time.sleep(0.005)

def opened(content):
    try:
        dataset = open_dataset(content, "x")
        inspect(dataset).lines()
        return f"read: {len(dataset)} pairs"
    except InputError as error:
        return str(error)

opened(b"pair_id,response_a,response_b,label.me\\np,x,y,a\\n")  # what is loaded at first use is not counted
threading.Thread(target=watch, daemon=True).start()
for name in sys.argv[1:]:
    content = FILES[name]()
    time.sleep(0.05)
    before = anonymous()
    seen.clear()
    said = opened(content)
    print(json.dumps([name, (max([*seen, anonymous()]) - before) // 1_000_000, said]))
"""


def rows(n: int, **parts: Callable[[int], object]) -> bytes:
    """JSON Lines of n native rows."""
    return "".join(
        json.dumps({"pair_id": str(i), "response_a": "x", "response_b": "y", "labels": {"me": "a"}} | {k: v(i) for k, v in parts.items()})
        + "\n"
        for i in range(n)
    ).encode()


def archive(*files: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, content in files:
            made.writestr(name, content)
    return out.getvalue()


def parquet(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def lying(size: int) -> bytes:
    """A ZIP archive whose member says that it has another size."""
    content = bytearray(archive(("a.csv", b"a,b\n" + b"1,2\n" * 1_000_000)))
    start = content.rindex(b"PK\x01\x02")
    content[start + 24 : start + 28] = content[22:26] = size.to_bytes(4, "little")
    return bytes(content)


def overlapping() -> bytes:
    """A ZIP archive with two entries for the same bytes."""
    content = archive(("a.csv", b"a,b\n1,2\n"), ("b.csv", b""))
    start, second = content.index(b"PK\x01\x02"), content.rindex(b"PK\x01\x02")
    spoiled = bytearray(content)
    spoiled[second + 42 : second + 46] = content[start + 42 : start + 46]
    return bytes(spoiled)


def zstd_frame(header: bytes) -> bytes:
    """One frame with a header of one's own and one block of eight bytes as they are."""
    return b"\x28\xb5\x2f\xfd" + header + ((8 << 3) | 1).to_bytes(3, "little") + b"a,b\n1,2\n"


def zstd_bomb() -> bytes:
    """Blocks of 128 KB of one letter, of four bytes each."""
    blocks = [((1 << 17) << 3 | 2 | (i == 1_999)).to_bytes(3, "little") + b"a" for i in range(2_000)]
    return b"\x28\xb5\x2f\xfd" + bytes([0, (20 - 10) << 3]) + b"".join(blocks)


def repeated_text() -> bytes:
    """A million rows with the same long text, which Parquet writes once."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, dtype=np.int32)), pa.array(["x" * 100_000]))
    return parquet(pa.table({"response_a": texts, "response_b": texts}))


def lying_rows() -> bytes:
    """Parquet whose footer says that there are two billion rows."""
    content = parquet(pa.table({"response_a": pa.array(["x"] * 8_000), "label.me": pa.array(["a"] * 8_000)}), compression="none")
    number = _varint(8_000 << 1)
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    return content[:footer] + content[footer:-8].replace(number, _varint(2_000_000_000 << 1)) + _trailer(content[footer:-8], number)


def _varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def _trailer(footer: bytes, number: bytes) -> bytes:
    size = len(footer.replace(number, _varint(2_000_000_000 << 1)))
    return size.to_bytes(4, "little") + b"PAR1"


def empty_members() -> bytes:
    return gzip.compress(b"") * 300_000 + gzip.compress(b"a,b\n1,2\n")


FILES: dict[str, Callable[[], bytes]] = {
    "a thousandfold ZIP": lambda: archive(("a.csv", bytes(250_000_000))),
    "a ZIP in a ZIP": lambda: archive(("a.zip", archive(("b.zip", archive(("c", bytes(10_000_000))))))),
    "60,000 files in a ZIP": lambda: archive(*((f"f{i}.csv", b"") for i in range(60_000)), kind=zipfile.ZIP_STORED),
    "a ZIP that says it is small": lambda: lying(100),
    "a ZIP that says it is large": lambda: lying(0xFFFFFFF0),
    "two entries for the same bytes": overlapping,
    "300,000 empty members": empty_members,
    "a zstd window of two terabytes": lambda: zstd_frame(bytes([0x00, 0xF8])),
    "a zstd size of an exabyte": lambda: zstd_frame(bytes([0xE0]) + (2**60).to_bytes(8, "little")),
    "a zstd bomb": zstd_bomb,
    "ten million lines": lambda: b"a\n" * 10_000_000,
    "ten million rows of CSV": lambda: b"a,b\n" * 10_000_000,
    "ten million JSON lines": lambda: b"{}\n" * 10_000_000,
    "ten million JSON items": lambda: b"[" + b"1," * 10_000_000 + b"1]",
    "ten million rows of nothing": lambda: parquet(pa.table({"x": pa.nulls(10_000_000)})),
    "two billion rows that are not there": lying_rows,
    "one text a million times": repeated_text,
    "a million empty lines": lambda: b"\n" * 1_000_000,
    "a million empty lines, then rows": lambda: b"\n" * 1_000_000 + b"pair_id,response_a,response_b,label.me\np,x,y,a\n",
    "a cell of 50 MB": lambda: b"pair_id,response_a,response_b,label.me\np," + b"x" * 50_000_000 + b",y,a\n",
    "a text of 50 MB": lambda: rows(1, response_a=lambda _: "x" * 50_000_000),
    "a Parquet text of 50 MB": lambda: parquet(pa.table({"response_a": ["x" * 50_000_000], "response_b": ["y"], "label.me": ["a"]})),
    "an id of 50 MB": lambda: rows(1, pair_id=lambda _: "x" * 50_000_000),
    "a verdict of 50 MB": lambda: rows(1, labels=lambda _: {"me": "x" * 50_000_000}),
    "a quote that never ends": lambda: b'pair_id,x\np,"' + b"abc def\n" * 5_000_000,
    "5,001 columns": lambda: (",".join(f"c{i}" for i in range(5_001)) + "\n" + ",".join("1" * 5_001) + "\n").encode(),
    "5,001 columns of Parquet": lambda: parquet(pa.table({f"c{i}": [1] for i in range(5_001)})),
    "5,001 keys": lambda: json.dumps({f"c{i}": 1 for i in range(5_001)}).encode() + b"\n{}\n",
    "a judge a row": lambda: rows(20_000, labels=lambda i: {f"j{i}": "a"}),
    "a property a row": lambda: rows(20_000, properties=lambda i: {f"j{i}": {"comparison": 1}}),
    "a meta column a row": lambda: rows(20_000, meta=lambda i: {f"j{i}": 1}),
    "a scenario a row": lambda: rows(100_000, scenario=lambda i: f"s{i}"),
    "a condition a row": lambda: rows(20_000, conditions=lambda i: [f"s{i}"]),
    "a million conditions": lambda: rows(1, conditions=lambda _: [f"s{i}" for i in range(1_000_000)]),
    "a judge a group": lambda: json.dumps({f"g{i}": {f"j{i}": [0.1] * 29} for i in range(4_000)}).encode(),
}
# The words, and how many MB beside the file itself. Python needs far more than the file for rows that it holds.
EXPECTED: dict[str, tuple[str, int]] = {
    "a thousandfold ZIP": ("unpacks to more than 200 MB", 450),
    "a ZIP in a ZIP": ("holds another ZIP file", 50),
    "60,000 files in a ZIP": ("holds 60000 files", 100),
    "a ZIP that says it is small": ("broken or locked", 50),
    "a ZIP that says it is large": ("no known form|broken or locked", 450),
    "two entries for the same bytes": ("holds 2 files|broken", 20),
    "300,000 empty members": ("no known form", 50),
    "a zstd window of two terabytes": ("too much memory", 20),
    "a zstd size of an exabyte": ("broken", 20),
    "a zstd bomb": ("unpacks to more than 200 MB", 300),
    "ten million lines": ("10,000,000 lines", 150),
    "ten million rows of CSV": ("1,000,001 rows", 700),
    "ten million JSON lines": ("1,000,001 rows", 450),
    "ten million JSON items": ("10,000,001 items", 250),
    "ten million rows of nothing": ("10,000,000 rows", 20),
    "two billion rows that are not there": ("2,000,000,000 rows", 20),
    "one text a million times": ("bytes once decoded", 700),
    "a million empty lines": ("The file is empty", 20),
    "a million empty lines, then rows": ("read: 1 pairs", 50),
    "a cell of 50 MB": ("A cell has more than 10,000,000 characters.*from line 2", 400),
    "a text of 50 MB": ("response_a has 50,000,000 characters", 300),
    "a Parquet text of 50 MB": ("response_a has 50,000,000 characters", 500),
    "an id of 50 MB": ("pair_id has 50,000,000 characters", 300),
    "a verdict of 50 MB": ("is not a verdict.*row 1", 300),
    "a quote that never ends": ("A cell has more than 10,000,000 characters.*close the quote", 400),
    "5,001 columns": ("5,001 columns", 50),
    "5,001 columns of Parquet": ("5,001 columns", 80),
    "5,001 keys": ("5,001 columns", 50),
    "a judge a row": ("more than 1,000 judges", 500),
    "a property a row": ("more than 1,000 properties", 700),
    "a meta column a row": ("more than 1,000 meta columns", 300),
    "a scenario a row": ("more than 1,000 scenarios", 300),
    "a condition a row": ("more than 1,000 conditions", 200),
    "a million conditions": ("more than 1,000 conditions", 300),
    "a judge a group": ("more than 1,000 groups", 300),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("start", range(4))
def test_memory_is_bounded(start: int) -> None:
    chosen = list(FILES)[start::4]
    done = subprocess.run([sys.executable, "-c", OPEN, *chosen], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, _, _ in found] == chosen
    for name, used, said in found:
        words, most = EXPECTED[name]
        assert re.search(words, said), (name, said)
        assert len(said) < 2_000, name
        assert used < most, (name, used)


# --- what was loaded stays loaded -----------------------------------------------------------------------------------------------------


def test_what_was_loaded_stays_loaded(open_page: Open, small: Path) -> None:
    """A visitor with a judge and a dataset of their own uploads one hostile file after the other."""
    at = add(upload(open_page("upload", small), mine_csv=labels_csv(IDS)))
    judges = set(cells(go(at, "dissect"))["judge"])
    assert "mine" in judges
    hostile = {
        "zip": FILES["a ZIP in a ZIP"](),
        "rows": b"a\n" * 1_000_001,
        "deep": b'{"pair_id": ' + b"[" * 10_000,
        "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.",
        "judges": rows(1_100, labels=lambda i: {f"j{i}": "a"}),
        "half": b'{"pair_id": "p", "response_a": "x", "response_b": "y", "scenario": "\\ud800", "labels": {"me": "a"}}\n',
        "script": b"<script>alert(1)</script>",
    }
    for kind in ("labels", "dataset"):
        go(at, "upload").button_group(key="kind").set_value(kind)
        at.run()
        for name, content in hostile.items():
            upload(at, **{f"{name}_csv": content})
            assert at.error or at.warning, (kind, name)
            assert not {"open", "add", "append"} & {str(button.key) for button in at.button}, (kind, name)
    assert at.session_state["own_judges"]["file"].keys() == {"mine"}
    assert not at.session_state["own_datasets"]
    assert at.sidebar.selectbox(key="data").value == "file"
    assert set(cells(go(at, "dissect"))["judge"]) == judges
