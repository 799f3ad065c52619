"""Results that visitors with the same data share: bounded by size, large ones on disk when memory is short, dropped when nobody has the data."""

import contextlib
import functools
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import IO, Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from dissection import settings
from dissection.dataset import PairDataset
from dissection.spool import private_file

SPILLED_BYTES = 1_000_000  # what is smaller is sooner computed again than it is written
MOST_FILES = 200  # each is an open file
ORPHAN_SECONDS = 120.0  # for which a result without a visitor is kept after it was last used: theirs may be on the way
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _Entry:
    """A result, in memory or in a file without a name, which is gone when it is closed."""

    def __init__(self, value: Any, size: int) -> None:
        self.value, self.size = value, size
        self.file: IO[bytes] | None = None
        self.used = time.monotonic()


class Kept:
    """Results by the hash of their data and what was asked of it; those used longest ago make room.

    A result is found by who has the data alone, as its key is the hash of all of it.

    Args:
        memory: bytes that the results in memory may take, by the size that they have when they are written.
        disk: bytes of those that wait on disk.
    """

    def __init__(self, memory: int, disk: int) -> None:
        self.memory, self.disk = memory, disk
        self._entries: OrderedDict[tuple[str, Hashable], _Entry] = OrderedDict()
        self._in_memory = self._on_disk = self._files = 0  # bytes, and how many entries are on disk
        self._lock = threading.RLock()
        self._making: dict[tuple[str, Hashable], threading.Lock] = {}

    def get(self, owner: str, key: Hashable) -> tuple[Any] | None:
        """The result, in a tuple; None where there is none.

        Args:
            owner: hash of the data.
            key: what was asked of it.
        """
        with self._lock:
            entry = self._entries.get((owner, key))
            if entry is None:
                return None
            self._entries.move_to_end((owner, key))
            entry.used = time.monotonic()
            if entry.file is not None:
                self._load(entry)
                self._make_room()
            return (entry.value,)

    def put(self, owner: str, key: Hashable, value: Any) -> None:
        """Keep a result, and make room for it."""
        size = len(pickle.dumps(value, protocol=5))
        with self._lock:
            self._drop((owner, key))
            self._entries[owner, key] = _Entry(value, size)
            self._count(self._entries[owner, key], 1)
            self._make_room()

    def result(self, owner: str, key: Hashable, make: Callable[[], Result]) -> Result:
        """The result, made where there is none; at the same time for the same key by one alone."""
        found = self.get(owner, key)
        if found is None:
            with self._alone((owner, key)):
                found = self.get(owner, key)
                if found is None:
                    found = (make(),)
                    self.put(owner, key, found[0])
        made: Result = found[0]
        return made

    def drop_orphans(self, has_visitors: Callable[[str], bool]) -> None:
        """Drop what belongs to data that nobody has any more."""
        now = time.monotonic()
        with self._lock:
            for key, entry in list(self._entries.items()):
                if now - entry.used > ORPHAN_SECONDS and not has_visitors(key[0]):
                    self._drop(key)

    def drop(self, owner: str) -> int:
        """Drop what belongs to some data; how many results that was."""
        with self._lock:
            keys = [key for key in self._entries if key[0] == owner]
            for key in keys:
                self._drop(key)
            return len(keys)

    def sizes(self) -> tuple[int, int]:
        """Bytes in memory and on disk."""
        with self._lock:
            return self._in_memory, self._on_disk

    @contextlib.contextmanager
    def _alone(self, key: tuple[str, Hashable]) -> Iterator[None]:
        with self._lock:
            lock = self._making.setdefault(key, threading.Lock())
        with lock:
            try:
                yield
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _drop(self, key: tuple[str, Hashable]) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._count(entry, -1)
        if entry.file is not None:
            entry.file.close()

    def _count(self, entry: _Entry, sign: int) -> None:
        if entry.file is None:
            self._in_memory += sign * entry.size
        else:
            self._on_disk += sign * entry.size
            self._files += sign

    def _load(self, entry: _Entry) -> None:
        assert entry.file is not None
        entry.file.seek(0)
        # Nobody else could have written this file: it has no name.
        entry.value = pickle.load(entry.file)  # noqa: S301
        self._count(entry, -1)
        entry.file.close()
        entry.file = None
        self._count(entry, 1)

    def _make_room(self) -> None:
        # Going through a dictionary hashes its keys, which takes a while here: no further than needed.
        newest, excess = next(reversed(self._entries)), self._in_memory - self.memory
        leaving: list[tuple[tuple[str, Hashable], _Entry]] = []
        for key, entry in self._entries.items():
            if excess <= 0 or key is newest:  # which is what is asked for
                break
            if entry.file is None:
                leaving.append((key, entry))
                excess -= entry.size
        for key, entry in leaving:
            if entry.size < SPILLED_BYTES or entry.size > self.disk or not self._write(entry):
                self._drop(key)
        while self._on_disk > self.disk or self._files > MOST_FILES:
            self._drop(next(key for key, entry in self._entries.items() if entry.file is not None))

    def _write(self, entry: _Entry) -> bool:
        """Whether the result is on disk now; a full disk is no reason to fail, as the result can be computed again."""
        try:
            file = private_file()
        except OSError:  # the folder for temporary files can't be written
            return False
        try:
            pickle.dump(entry.value, file, protocol=5)
            file.flush()
        except OSError:
            with contextlib.suppress(OSError):  # closing writes what is left
                file.close()
            return False
        self._count(entry, -1)
        entry.value, entry.file = None, file
        self._count(entry, 1)
        return True


@st.cache_resource(show_spinner=False)
def kept() -> Kept:
    """The server's; half of the memory that the settings give is for results, the other half for visitors' data."""
    return Kept(settings.MEMORY_MB.read() * 500_000, settings.SPILL_MB.read() * 1_000_000)


def shared(
    words: str = "",
) -> Callable[[Callable[Concatenate[PairDataset, Arguments], Result]], Callable[Concatenate[PairDataset, Arguments], Result]]:
    """Keep the results of a function of a dataset and of further arguments that can be compared.

    Args:
        words: shown while a result is made; none: nothing is shown.
    """

    def decorate(function: Callable[Concatenate[PairDataset, Arguments], Result]) -> Callable[Concatenate[PairDataset, Arguments], Result]:
        @functools.wraps(function)
        def call(dataset: PairDataset, /, *given: Arguments.args, **named: Arguments.kwargs) -> Result:
            key = (function.__module__, function.__qualname__, *given, *sorted(named.items()))

            def make() -> Result:
                with st.spinner(words) if words else contextlib.nullcontext():
                    return function(dataset, *given, **named)

            return kept().result(dataset.content_hash, key, make)

        return call

    return decorate
