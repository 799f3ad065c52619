"""A disk that is really full: small ones of memory, mounted where only the server or the command sees them."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import ROOT
from tests.fault_tools import Server, Tab, needs_proc, until
from tests.jobs_cells import COMPILES
from tests.test_pages import rows, write
from tests.test_server import bring

# $1 and on: pairs of a folder and the kilobytes of the disk in its place, "--", then what sees these disks.
MOUNTS = """
while [ "$1" != -- ]; do mount -t tmpfs -o "size=$2k" small "$1" || exit 9; shift 2; done
shift
exec "$@"
"""


def on_small_disks(disks: dict[Path, int], *words: object) -> list[str]:
    """A command that has these disks of so many kilobytes."""
    mounts = [str(word) for folder, size in disks.items() for word in (folder, size)]
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNTS, "sh", *mounts, "--", *map(str, words)]


def allowed(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(on_small_disks({folder: 100}, "true"), check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("disks")
    if not allowed(found):
        pytest.skip("needs `unshare`, and leave to mount a disk for a process of one's own")
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """Its store has 60 kB, its temporary files 4 MB."""
    server = Server(folder, DISSECTION_WORKERS="1", DISSECTION_DATA=str(write(folder, rows(n=40))))
    server.cache.mkdir()
    server.command = on_small_disks({server.cache: 60, server.temporary: 4_000}, *server.command)
    try:
        yield server.start()
    finally:
        server.stop()


def half_files(server: Server) -> list[Path]:
    """Temporary files that are not a worker's, which go with it."""
    return [path for path in seen(server, server.temporary) if "dissection-worker-" not in str(path)]


def seen(server: Server, folder: Path) -> list[Path]:
    """The files of a folder as the server sees it."""
    return [path for path in Path(f"/proc/{server.pid}/root{folder}").rglob("*") if path.is_file()]


@needs_proc
def test_draws_that_have_no_room(server: Server) -> None:
    with Tab(server, "diagnostics", draws="500") as tab:
        tab.choose("Scenarios and conditions", string_array_value=["Code"])
        tab.settle().press("Sample 1 cell").until("1 of 1 sampled cells passed", COMPILES)
        assert "Draws could not be kept on disk: the disk is full. The results are complete" in tab.said()
        assert not tab.faults
        until(lambda: not seen(server, server.cache), "half a file stays")
    with Tab(server, "diagnostics", draws="500") as tab:
        assert "1 of 1 sampled cells passed" in tab.said(), "the server has them as long as it runs"


@needs_proc
def test_an_upload_that_has_no_room(server: Server) -> None:
    pairs = [{**row, "response_a": f"{number} " + "word " * 200_000} for number, row in enumerate(rows(n=80))]
    large = gzip.compress("".join(json.dumps(pair) + "\n" for pair in pairs).encode(), 1)
    small = "".join(json.dumps(row) + "\n" for row in rows(n=30)).encode()
    with Tab(server, "upload", kind="dataset") as tab:
        said = bring(tab, large, "large.jsonl.gz")
        assert "no space left on device" in said
        assert "TMPDIR" in said
        assert not any("Open it" in label for _, label in tab.widgets)
        assert not tab.faults
    until(lambda: not half_files(server), "half a file stays", 10)
    with Tab(server, "upload", kind="dataset") as tab:
        assert "30 pairs" in bring(tab, small, "small.jsonl")
        assert not tab.faults


PUBLISH = """
import sys
from pathlib import Path
from dissection.community.faults import StoreError
from dissection.community.folder import FolderStore
from tests.test_community_store import put, titles
store, said = FolderStore(Path(sys.argv[1]), 100), ""
for number in range(1000):
    had = titles(store)
    try:
        put(store, number)
    except StoreError as error:
        said = str(error)
        break
assert "The disk of this server is full; nothing was published." in said, said
assert len(had) > 1
assert titles(store) == had, "what was published before is there, and nothing of the last"
assert len(list(store.folder.iterdir())) == len(had), "nothing is left behind"
"""


def test_an_entry_of_the_community_that_has_no_room(folder: Path) -> None:
    disk = folder / "community"
    disk.mkdir()
    done = subprocess.run(on_small_disks({disk: 200}, sys.executable, "-c", PUBLISH, disk), cwd=ROOT, check=False, capture_output=True)
    assert not done.returncode, done.stderr.decode()


# The file that is there before takes most of the room.
CONVERT = """
import subprocess, sys
from pathlib import Path
data, out = sys.argv[1], Path(sys.argv[2])
out.write_bytes(b"before " * 2_000)
had = out.read_bytes()
done = subprocess.run([sys.executable, "-m", "dissection", "convert", data, "--out", str(out)], capture_output=True, text=True)
print(done.returncode, done.stderr.splitlines()[-1], out.read_bytes() == had, [path.name for path in out.parent.iterdir()], sep="|")
"""


def test_a_file_of_a_command_that_has_no_room(folder: Path, tmp_path: Path) -> None:
    disk, data = folder / "out", write(tmp_path, rows(n=600))
    disk.mkdir()
    words = on_small_disks({disk: 40}, sys.executable, "-c", CONVERT, data, disk / "pairs.csv")
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, env=os.environ).stdout
    assert said.strip() == "2|error: No space left on device|True|['pairs.csv']"
