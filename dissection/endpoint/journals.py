"""Where a server keeps the journals of its visitors' runs: a folder for each endpoint, key and study, which only who holds the key finds.

All together keep to a size; those that were not written for longest go first.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from pathlib import Path
from typing import Final

from dissection.cache_folder import cache_folder
from dissection.endpoint.address import Endpoint
from dissection.endpoint.faults import JournalError
from dissection.endpoint.journal import LOCK, NAME
from dissection.settings import JOURNALS_MB

VARIABLE: Final = "DISSECTION_JOURNALS"
SALT: Final = "salt"
_PRIVATE: Final = 0o700
# About a tenth of a second for each guess at a key.
_COST: Final = 2**14
_KEY: Final = b'{"key": "'
_OURS: Final = re.compile(r"[0-9a-f]{64}")


def journals_folder() -> Path:
    """The folder that DISSECTION_JOURNALS names, else `journals` in the `cache_folder`."""
    given = os.environ.get(VARIABLE, "").strip()
    return Path(given).expanduser() if given else cache_folder() / "journals"


def most_bytes() -> int:
    """What all journals together may take.

    Raises:
        InputError: DISSECTION_JOURNALS_MB is no size.
    """
    return JOURNALS_MB.read() * 1_000_000


def make_room() -> None:
    """Remove journals, those first that were not written for longest, until all keep to `most_bytes`; none that someone has open.

    Raises:
        InputError: DISSECTION_JOURNALS_MB is no size.
    """
    most, found = most_bytes(), []
    for folder in journals_folder().glob("*"):
        with contextlib.suppress(OSError):
            facts = (folder / NAME).stat()
            if not _OURS.fullmatch(folder.name):
                continue
            if facts.st_mtime > time.time():
                # A clock was ahead when it was written: counted as written now, or it would stay until the clock has caught up.
                os.utime(folder / NAME)
            found.append((min(facts.st_mtime_ns, time.time_ns()), facts.st_size, folder))
    total = sum(size for _, size, _ in found)
    for _, size, folder in sorted(found):
        if total <= most:
            break
        total -= size * _remove(folder)


def _remove(folder: Path) -> bool:
    """Whether a journal is gone; it stays where someone has it open."""
    import filelock

    with contextlib.suppress(filelock.Timeout, OSError), filelock.FileLock(folder / LOCK, timeout=0):
        (folder / NAME).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()
    return not (folder / NAME).exists()


def folder_for(endpoint: Endpoint, key: str | None, study: str) -> Path:
    """The folder of a study's journal, made if it does not exist, for its owner alone.

    Its name holds a slow hash of the key with a salt of this server, so that nobody who lacks the key gets at what was answered to it, and
    nobody who reads the names of the folders gets at the key.

    Args:
        endpoint: whom the study asks.
        key: that it is asked with; None: none.
        study: what is asked, and about which data.

    Raises:
        JournalError: the folder can't be made.
    """
    root = journals_folder()
    try:
        root.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        content = json.dumps([endpoint.address, endpoint.provider, endpoint.model, study]).encode()
        salt = _salt(root) + hashlib.sha256(content).digest()
        name = hashlib.scrypt((key or "").encode(), salt=salt, n=_COST, r=8, p=1, dklen=32).hex()
        folder = root / name
        folder.mkdir(mode=_PRIVATE, exist_ok=True)
    except OSError as error:
        reason = (os.strerror(error.errno) if error.errno else "it can't be written").lower()
        raise JournalError(
            f"There is no place for the journal: {reason}.",
            where=f"{root}, set by the environment variable {VARIABLE}",
            remedy="name a folder that can be written",
        ) from None
    return folder


def _salt(root: Path) -> bytes:
    """The random salt of these journals; whoever comes first makes it, whole or not at all."""
    path = root / SALT
    if not path.exists():
        fresh = root / f".{secrets.token_hex(16)}"
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()


def finished_keys(folder: Path) -> frozenset[str]:
    """The keys of the calls that a journal has, also while another writes it; empty where there is none, or none that can be read."""
    found = set()
    with contextlib.suppress(OSError), (folder / NAME).open("rb") as file:
        next(file, None)
        for line in file:
            # Each begins with its key; a line that is being written has no end yet.
            if line.startswith(_KEY) and line.endswith(b"\n"):
                found.add(line[len(_KEY) : len(_KEY) + 64].decode("ascii", "replace"))
    return frozenset(found)
