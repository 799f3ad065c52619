"""What was sampled, on disk: a bounded cache that several servers and the command line share, one file a cell."""

import contextlib
import os
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

from dissection.cache_folder import cache_folder
from dissection.jobs.netcdf import read_draws, read_posteriors, to_netcdf
from dissection.regression.cells import Cell
from dissection.regression.nuts import Draws
from dissection.regression.posterior import Posterior
from dissection.regression.sampling import Sampled
from dissection.settings import CACHE_MB

STALE_SECONDS = 3600.0  # no server takes as long to write a file

_OURS = re.compile(r"[0-9a-f]{64}\.nc|[^.].*--[0-9a-f]{12}\.nc")
_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp")
_UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError)

T = TypeVar("T")


class _Entry(NamedTuple):
    """A file: when it was last used, in nanoseconds, and its bytes."""

    used: int
    size: int
    path: Path


class PosteriorStore:
    """Sampled cells in a folder, each found by its `Cell.key`.

    Files appear whole or not at all, and any may vanish at any time, as another process may make room.

    Args:
        folder: made when something is first put.
        max_bytes: of all entries; those not used for longest are removed.
        readable: name files after judge and group, for people, in place of the key alone.
    """

    def __init__(self, folder: Path, max_bytes: int, *, readable: bool = False) -> None:
        self.folder = folder.absolute()
        self.max_bytes = max_bytes
        self.readable = readable

    def path(self, key: str) -> Path | None:
        """The file of a cell; None where there is none."""
        pattern = f"*--{key[:12]}.nc" if self.readable else f"{key}.nc"
        with contextlib.suppress(OSError):
            return next(iter(sorted(self.folder.glob(pattern))), None)
        return None

    def get(self, cell: Cell) -> list[Posterior] | None:
        """A cell's posteriors under its own names; None where it was not sampled or can't be read."""
        found = self._read(cell.key, read_posteriors)
        return None if found is None else named_after(cell, found)

    def draws(self, key: str) -> Draws | None:
        """A cell's draws; None where it was not sampled or can't be read."""
        return self._read(key, read_draws)

    def remove(self, key: str) -> None:
        """Remove a cell; none is no error."""
        if path := self.path(key):
            _remove(path)

    def put(self, cell: Cell, sampled: Sampled) -> None:
        """Keep a cell, then make room.

        Raises:
            OSError: the folder can't be written or the disk is full; nothing is left behind.
        """
        content = to_netcdf(cell, sampled)
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary, path = self.folder / f".{uuid.uuid4().hex}.tmp", self.folder / self._file_name(cell)
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        self._make_room(path)

    def _file_name(self, cell: Cell) -> str:
        if not self.readable:
            return f"{cell.key}.nc"
        group = cell.groups[0].name if len(cell.groups) == 1 else "all scenarios"
        return f"{_slug(cell.judge)}--{_slug(group)}--{cell.key[:12]}.nc"

    def _read(self, key: str, read: Callable[[Path, str], T]) -> T | None:
        path = self.path(key)
        if path is None:
            return None
        try:
            found = read(path, key)
        except _UNREADABLE as error:
            # With an error number the system refused: the file is gone or not ours to read. Without one its content is broken.
            if not isinstance(getattr(error, "errno", None), int):
                _remove(path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return found

    def _make_room(self, newest: Path) -> None:
        """Remove the entries that were not used for longest, until the others fit; `newest` has just been put."""
        entries = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as found:
            for entry in found:
                with contextlib.suppress(OSError):
                    facts = entry.stat(follow_symlinks=False)
                    if _OURS.fullmatch(entry.name):
                        entries.append(_Entry(facts.st_mtime_ns, facts.st_size, Path(entry.path)))
                    elif _TEMPORARY.fullmatch(entry.name) and facts.st_mtime < time.time() - STALE_SECONDS:
                        _remove(Path(entry.path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(_by_one_clock(sorted(entries), newest), key=attrgetter("used")):
            if total <= self.max_bytes:
                break
            _remove(path)
            total -= size


def _by_one_clock(entries: list[_Entry], newest: Path) -> list[_Entry]:
    """The entries with a time of use that is not after that of the newest, also where a clock was ahead when they were used.

    Such an entry counts as used just before the newest, from now on: else it would stay for ever, and what is new would go in its place.
    """
    now = next((used for used, _, path in entries if path == newest), None)
    if now is None:  # another server has removed it
        return entries
    found = []
    for used, size, path in entries:
        if used > now:
            with contextlib.suppress(OSError):
                os.utime(path, ns=(now - 1, now - 1))
        found.append(_Entry(min(used, now - (path != newest)), size, path))
    return found


def named_after(cell: Cell, posteriors: Sequence[Posterior]) -> list[Posterior]:
    """Posteriors under a cell's names of judge, groups and properties.

    A key covers what can change the draws, and names can't; two judges with the same verdicts share one entry.
    """
    groups = (*cell.groups, *(posterior.group for posterior in posteriors[len(cell.groups) :]))
    return [
        replace(posterior, judge=cell.judge, group=group, properties=cell.properties)
        for posterior, group in zip(posteriors, groups, strict=True)
    ]


def default_store() -> PosteriorStore:
    """The store that the app and the command line share.

    Its folder is DISSECTION_CACHE, else preference-dissection in XDG_CACHE_HOME or ~/.cache; its size is DISSECTION_CACHE_MB.

    Raises:
        InputError: the folder is a file, or the size is not a positive number.
    """
    return PosteriorStore(cache_folder(), CACHE_MB.read() * 1_000_000)


def _slug(name: str) -> str:
    # 25 characters of up to four bytes each, twice, fit into the 255 bytes of a file name.
    return re.sub(r"[^\w.]+", "-", name).strip("-.")[:25] or "unnamed"


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
