"""Entries in a folder, which several servers may share: each is a folder of its own that appears whole or not at all.

An entry's folder is named after its content by the server, never after anything that a visitor wrote. It is written beside the others
under a name that no entry has, and then renamed once; so two who publish the same thing at once can't both succeed.
"""

import contextlib
import errno
import hashlib
import hmac
import os
import re
import shutil
import stat
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from dissection.community.card import MAX_CARD_BYTES, Card, parse_card
from dissection.community.content import MAX_PACKED
from dissection.community.faults import AlreadyThereError, CardError, CommunityError, KeyRefusedError, StoreError
from dissection.errors import InputError

CARD: Final = "card.json"
DATA: Final = "data.jsonl.gz"
STALE_SECONDS: Final = 3600.0  # no server takes as long to write an entry
IS_ID: Final = re.compile(r"[0-9a-f]{32}")
MOST_SCANNED: Final = 20_000

_PARTIAL = ".partial-"
_PLACE = "the community's folder"


class Listing(NamedTuple):
    """What is there.

    Attributes:
        cards: newest first.
        skipped: files and folders that are no entry, or a broken one.
        waiting: ids that are not on the Hub yet.
        trouble: why the list may not be whole.
    """

    cards: tuple[Card, ...]
    skipped: int = 0
    waiting: frozenset[str] = frozenset()
    trouble: InputError | None = None


class Store(Protocol):
    """Where entries are."""

    place: str

    def listing(self) -> Listing:
        """Every entry's card."""

    def packed(self, card: Card) -> bytes:
        """An entry's data as they lie there, at most `MAX_PACKED` bytes; not yet checked against the card."""

    def add(self, card: Card, packed: bytes) -> None:
        """Publish an entry."""

    def remove(self, card_id: str, key: str) -> None:
        """Remove an entry by its key."""


class FolderStore:
    """Entries in a folder on this machine.

    Args:
        folder: made when something is first published.
        max_entries: how many entries there may be.
    """

    place = "in the community of this server"

    def __init__(self, folder: Path, max_entries: int) -> None:
        self.folder = folder.absolute()
        self.max_entries = max_entries
        self._held: dict[str, tuple[tuple[int, int], Card | None]] = {}
        self._lock = threading.Lock()

    def listing(self) -> Listing:
        """Every entry's card; cards that have not changed are not read again.

        Raises:
            StoreError: the folder can't be read.
        """
        found: dict[str, tuple[tuple[int, int], Card | None]] = {}
        foreign = 0
        with self._lock:
            for name, is_folder in self._names():
                held = self._look(name) if is_folder and IS_ID.fullmatch(name) else None
                if held is not None:
                    found[name] = held
                else:
                    foreign += 1
            self._held = found
        cards = sorted((card for _, card in found.values() if card is not None), key=lambda card: (card.date, card.id), reverse=True)
        return Listing(tuple(cards), foreign + sum(card is None for _, card in found.values()))

    def _names(self) -> Iterator[tuple[str, bool]]:
        """The names in the folder with whether each is a folder, in no order; hidden ones are not entries and not counted."""
        try:
            with os.scandir(self.folder) as entries:
                for place, entry in enumerate(entries):
                    if place >= MOST_SCANNED:
                        break
                    if not entry.name.startswith("."):
                        yield entry.name, entry.is_dir(follow_symlinks=False)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refused(error, "read") from error

    def _look(self, name: str) -> tuple[tuple[int, int], Card | None] | None:
        """The card of an entry under its time and size, None in its place where it is broken; None where it has just gone."""
        path = self.folder / name / CARD
        try:
            facts = path.lstat()
        except OSError:
            return None
        signature = (facts.st_mtime_ns, facts.st_size)
        held = self._held.get(name)
        if held is not None and held[0] == signature:
            return held
        try:
            card = parse_card(_read(path, MAX_CARD_BYTES))
            data = (self.folder / name / DATA).lstat()
            whole = card.id == name and stat.S_ISREG(data.st_mode) and data.st_size <= MAX_PACKED
        except (CardError, OSError):
            return signature, None
        return signature, card if whole else None

    def packed(self, card: Card) -> bytes:
        """An entry's data.

        Raises:
            CommunityError: it has been removed.
        """
        try:
            return _read(self.folder / card.id / DATA, MAX_PACKED)
        except OSError as error:
            raise _gone() from error

    def add(self, card: Card, packed: bytes) -> None:
        """Publish an entry: it is there whole when this returns, and not at all when it raises.

        Raises:
            AlreadyThereError: the same content is there.
            CommunityError: there are as many entries as there may be, or it is too large.
            StoreError: the disk is full or the folder can't be written.
        """
        written = card.written()
        if len(packed) > MAX_PACKED or len(written) > MAX_CARD_BYTES:
            raise CommunityError("The entry is too large.", accepted=f"{MAX_PACKED / 1e6:,.0f} MB packed", remedy="publish a part of it")
        self._check_room(card)
        partial = self.folder / f"{_PARTIAL}{uuid.uuid4().hex}"
        try:
            partial.mkdir(parents=True)
            _write(partial / DATA, packed)
            _write(partial / CARD, written)
            _settle(partial)
            partial.replace(self.folder / card.id)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY) or (self.folder / card.id).exists():
                raise self._taken(card) from error
            raise _refused(error, "written") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        with contextlib.suppress(OSError):  # it is there, whatever a power cut may do
            _settle(self.folder)
        self._sweep()

    def _check_room(self, card: Card) -> None:
        listing = self.listing()
        if (self.folder / card.id).exists():
            raise self._taken(card)
        if len(listing.cards) + listing.skipped >= self.max_entries:
            raise CommunityError(
                f"The community holds {self.max_entries:,} entries, as many as it may.", remedy="ask the owner of this server for room"
            )

    def _taken(self, card: Card) -> InputError:
        if any(there.id == card.id for there in self.listing().cards):
            return AlreadyThereError(card.id, remedy="look at it in the list above")
        return StoreError("A broken entry stands in its place.", where=_PLACE, remedy="ask the owner of this server to remove it")

    def remove(self, card_id: str, key: str) -> None:
        """Remove an entry.

        Raises:
            KeyRefusedError: the key is not this entry's.
            CommunityError: there is no such entry.
            StoreError: the folder can't be written.
        """
        card = next((card for card in self.listing().cards if card.id == card_id), None)
        if card is None:
            raise _gone()
        check_key(card, key)
        self.discard(card_id)

    def discard(self, card_id: str) -> None:
        """Take an entry away, whole at once.

        Raises:
            StoreError: the folder can't be written.
        """
        leaving = self.folder / f"{_PARTIAL}{uuid.uuid4().hex}"
        try:
            (self.folder / card_id).replace(leaving)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refused(error, "written") from error
        shutil.rmtree(leaving, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what a crash has left behind."""
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.startswith(_PARTIAL) and entry.stat(follow_symlinks=False).st_mtime < time.time() - STALE_SECONDS:
                    shutil.rmtree(entry.path, ignore_errors=True)


def check_key(card: Card, key: str) -> None:
    """Whether a key removes this entry.

    Raises:
        KeyRefusedError: it does not.
    """
    if not hmac.compare_digest(hashed_key(key), card.removal_hash):
        raise KeyRefusedError(
            "This is not the removal key of this entry.",
            where=card.title,
            accepted="the key that was shown when it was published",
            remedy="if it is lost, ask the owner of this server",
        )


def hashed_key(key: str) -> str:
    """What a card keeps of a removal key."""
    return hashlib.sha256(key.strip().encode("utf-8", "replace")).hexdigest()


def _gone() -> CommunityError:
    return CommunityError("There is no such entry, or it has been removed.", remedy="look at the list again")


def _read(path: Path, limit: int) -> bytes:
    """The bytes of an ordinary file; links are not followed, as they may lead out of the folder."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor has no path
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > limit:
            raise OSError(errno.EINVAL, "not an entry's file")
        return file.read(limit + 1)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Make the names in a folder outlast a power cut, where the system can do that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(error: OSError, what: str) -> StoreError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StoreError(
        "The disk of this server is full; nothing was published." if full else f"The folder can't be {what}: {error.strerror}.",
        where=_PLACE,
        remedy="tell the owner of this server, and try again later",
    )
