"""Publishing when something goes wrong: a crash at any step, a full disk, two at once; and hostile files in the folder."""

import errno
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dissection.community import folder as folder_module
from dissection.community.card import CardError, parse_card
from dissection.community.content import read_dataset, read_judge
from dissection.community.faults import CommunityError, StoreError
from dissection.community.folder import FolderStore
from dissection.errors import InputError
from tests.conftest import make_dataset
from tests.test_community_store import put, store, titles

__all__ = ["store"]  # the fixture

ROOT = Path(__file__).resolve().parent.parent


def test_full_disk_and_folder_without_leave(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, 1)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="disk of this server is full"):
            put(store, 2)
    assert len(list(store.folder.iterdir())) == 1, "nothing is left behind"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(PermissionError(errno.EACCES, "Permission denied")))
        with pytest.raises(StoreError, match="written: Permission denied"):
            put(store, 2)


CRASH = """
import json, os, sys
from pathlib import Path
from dissection.community.content import read_dataset
from dissection.community.folder import FolderStore
from tests.test_community_store import put
store, outcomes, code = FolderStore(Path(sys.argv[1]), 100), [], 9
def counted(function):
    def call(*arguments, **options):
        global step
        step -= 1
        if step < 0:
            os._exit(9)
        return function(*arguments, **options)
    return call
while code:
    step = len(outcomes)
    child = os.fork()
    if not child:
        for place, name in ((os, "fsync"), (Path, "replace"), (Path, "mkdir"), (Path, "open")):
            setattr(place, name, counted(getattr(place, name)))
        put(store, 7)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    listing = store.listing()
    outcomes.append([code, len(listing.cards), listing.skipped, [len(read_dataset(card, store.packed(card))) for card in listing.cards]])
    if len(listing.cards) == 2:
        store.discard(listing.cards[0].id if listing.cards[0].id != sys.argv[2] else listing.cards[1].id)
print(json.dumps(outcomes))
"""


def test_a_crash_at_any_step_leaves_no_half_entry(store: FolderStore) -> None:
    """A process is killed before its first step on the disk, then another before its second, and so on until one comes through."""
    command = [sys.executable, "-c", CRASH, str(store.folder), put(store, 1).card.id]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    codes, there, skipped, pairs = zip(*json.loads(done.stdout), strict=True)
    assert codes == (9,) * (len(codes) - 1) + (0,)
    assert len(codes) >= 7
    assert list(there) == sorted(there), "from some step on it is there, before not at all"
    assert (there[0], there[-1]) == (1, 2)
    assert not any(skipped)
    assert all(set(sizes) == {6} for sizes in pairs)


def test_what_a_crash_left_is_swept_when_it_is_old(store: FolderStore) -> None:
    put(store, 1)
    old, new = store.folder / ".partial-old", store.folder / ".partial-new"
    for partial in (old, new):
        partial.mkdir()
        (partial / "data.jsonl.gz").write_bytes(b"half")
    os.utime(old, (time.time() - 2 * folder_module.STALE_SECONDS,) * 2)
    put(store, 2)
    assert not old.exists()
    assert new.exists(), "someone may be writing it"
    assert len(store.listing().cards) == 2


MANY = """
import sys
from pathlib import Path
from dissection.community.folder import FolderStore
from tests.test_community_store import put, DRAFT
from dissection.community.faults import AlreadyThereError
store = FolderStore(Path(sys.argv[1]), 100)
first = int(sys.argv[2])
for seed in range(first, first + 20):
    put(store, seed, DRAFT._replace(title=f"entry {seed:03}"))
try:
    put(store, 999, DRAFT._replace(title="both"))
    print("won")
except AlreadyThereError:
    print("there")
"""


def test_two_processes_at_once_lose_nothing(store: FolderStore) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", MANY, str(store.folder), str(first)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for first in (0, 100)
    ]
    said = sorted(run.communicate(timeout=120)[0].strip() for run in runs)
    assert said == ["there", "won"]
    assert titles(store) == ["both", *(f"entry {seed:03}" for first in (0, 100) for seed in range(first, first + 20))]
    assert store.listing().skipped == 0


# What others may have put there


def card_of(folder: FolderStore) -> dict[str, Any]:
    put(folder, 1)
    return json.loads(next(folder.folder.glob("*/card.json")).read_text())  # type: ignore[no-any-return]


def changed(*path: str, value: Any) -> Callable[[dict[str, Any]], bytes]:
    def change(card: dict[str, Any]) -> bytes:
        place = card
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return json.dumps(card).encode()

    return change


HOSTILE: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "empty": lambda _: b"",
    "not JSON": lambda _: b"<html>",
    "not UTF-8": lambda _: b"\xff\xfe\x00",
    "a list": lambda _: b"[]",
    "null": lambda _: b"null",
    "nested": lambda _: b"[" * 30_000 + b"]" * 30_000,
    "nested inside": lambda card: json.dumps(card).replace("1", "[" * 900 + "]" * 900, 1).encode(),
    "huge": lambda card: json.dumps(card | {"description": "x" * 70_000}).encode(),
    "huge number": lambda card: json.dumps(card).replace('"consent": 1', f'"consent": {"9" * 5000}').encode(),
    "NaN": lambda card: json.dumps(card | {"more": float("nan")}).encode(),
    "infinite count": lambda card: json.dumps(card | {"judge_count": float("inf")}).encode(),
    "other version": changed("format", value=2),
    "version as text": changed("format", value="1"),
    "kind": changed("kind", value="pickle"),
    "title is a number": changed("title", value=7),
    "title is a list": changed("title", value=["x"]),
    "title too long": changed("title", value="x" * 81),
    "title turns the line": changed("title", value="a\u202eb"),
    "title is half a character": changed("title", value="\ud800"),
    "licence": changed("licence", value="mine"),
    "date": changed("date", value="2024-01-01<script>"),
    "consent is true": changed("consent", value=True),
    "negative": changed("judge_count", value=-1),
    "float": changed("source", "pairs", value=1.5),
    "no source": changed("source", value=None),
    "source hash": changed("source", "pairs_hash", value="../../x"),
    "hash in capitals": changed("content_hash", value="A" * 64),
    "hash of another": changed("content_hash", value="0" * 64),
    "removal hash": changed("removal_hash", value=""),
    "judges is an object": changed("judges", value={"one": 1}),
    "judges of three": changed("judges", value=[["one", 1, 1]]),
    "too many judges": changed("judges", value=[["one", 1]] * 101),
    "judge's count is text": changed("judges", value=[["one", "1"]]),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_card_is_skipped_and_counted(store: FolderStore, kind: str) -> None:
    written = HOSTILE[kind](card_of(store))
    put(store, 2)
    place = next(path for path in store.folder.glob("*/card.json") if b"1" in path.read_bytes())
    place.write_bytes(written)
    listing = store.listing()
    assert (len(listing.cards), listing.skipped) == (1, 1)
    if kind != "hash of another":
        with pytest.raises(CardError):
            parse_card(written[: 10**6])


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "{{7*7}}", "'; DROP TABLE"])
def test_text_is_text(store: FolderStore, title: str) -> None:
    card = card_of(store)
    next(store.folder.glob("*/card.json")).write_bytes(changed("title", value=title)(card))
    assert titles(store) == [title]


def test_foreign_files_are_counted_and_never_followed(store: FolderStore, tmp_path: Path) -> None:
    kept = put(store, 1).card
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (store.folder / "README.md").write_text("hello")
    (store.folder / "folder").mkdir()
    (store.folder / ("a" * 32)).mkdir()
    (store.folder / ("b" * 32)).write_text("a file in the place of a folder")
    (store.folder / ("c" * 32)).symlink_to(store.folder / kept.id)
    for number, name in enumerate(("card.json", "data.jsonl.gz"), 5):
        published = put(store, number)
        path = store.folder / published.card.id / name
        path.unlink()
        path.symlink_to(secret)
    card = store.folder / put(store, 8).card.id / "card.json"
    card.unlink()
    os.mkfifo(card)  # reading it would wait for ever
    listing = store.listing()
    assert listing.cards == (kept,)
    assert listing.skipped == 8
    assert put(store, 9).card in store.listing().cards
    with pytest.raises(StoreError, match="broken entry stands in its place"):
        put(store, 8)


BOMB = gzip.compress(b'{"pair_id": "p"}\n' * 20_000_000, 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8b broken", gzip.compress(b"\x80\x04pickle"), gzip.compress(b""), BOMB],
    ids=["empty", "cut", "pickle", "none", "bomb"],
)
def test_hostile_data_are_refused_as_uploads_are(store: FolderStore, content: bytes) -> None:
    card = put(store, 1).card
    path = store.folder / card.id / "data.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_dataset(card, store.packed(card))


def test_data_that_fit_their_card_are_checked_all_the_same(store: FolderStore) -> None:
    lines = b'{"pair_id": "p0", "labels": {"one": "certainly"}, "response_a": "x", "response_b": "y"}\n'
    fields = card_of(store) | {"content_hash": hashlib.sha256(lines).hexdigest()}
    card = parse_card(json.dumps(fields).encode())
    with pytest.raises(InputError, match="certainly"):
        read_dataset(card, gzip.compress(lines))
    with pytest.raises(CommunityError, match="not those that were published"):
        read_dataset(card, gzip.compress(lines + b"{}"))
    two = b'{"pair_id": "p1", "judge": "a", "p_a": 1}\n{"pair_id": "p1", "judge": "b", "p_a": 1}\n'
    card = parse_card(json.dumps(fields | {"kind": "labels", "content_hash": hashlib.sha256(two).hexdigest()}).encode())
    with pytest.raises(CommunityError, match="2 judges"):
        read_judge(card, gzip.compress(two), make_dataset(n=6, seed=1), "mine")
