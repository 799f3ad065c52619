"""Numbers and switches that a server's environment sets; docs/hosting.md lists them all."""

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from dissection.errors import InputError

SPACE: Final = "SPACE_ID"  # set by Hugging Face on every Space
_MEMORY_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


class Number(NamedTuple):
    """A whole number that an environment variable sets.

    Attributes:
        variable: its name.
        what: it is the number of, for messages.
        usual: where the variable is empty or not set.
        least, most: that are accepted.
    """

    variable: str
    what: str
    usual: int
    least: int
    most: int

    def read(self, environ: Mapping[str, str] = os.environ) -> int:
        """The number.

        Raises:
            InputError: the variable holds no such number.
        """
        words = environ.get(self.variable, "").strip() or str(self.usual)
        if not re.fullmatch(r"[0-9]{1,9}", words) or not self.least <= int(words) <= self.most:
            raise InputError(
                f"This is no number for {self.what}: {short(words)}.",
                where=f"the environment variable {self.variable}",
                accepted=f"a whole number from {self.least} to {self.most}; {self.usual} where it is not set",
                remedy="mend the variable or unset it",
            )
        return int(words)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_mb() -> int:
    """The memory that this process may use, in megabytes: the machine's, or its container's where that has less."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8_000_000_000
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        found = min(found, int(_MEMORY_LIMIT.read_text(encoding="ascii")))
    return found // 1_000_000


# 200 is what the readers take at most (`dissection.tables.MAX_BYTES`, whose module would load pandas before the server starts).
UPLOAD_MB: Final = Number("DISSECTION_UPLOAD_MB", "megabytes of an upload", 200, 1, 200)
PAIRS: Final = Number("DISSECTION_PAIRS", "pairs of a dataset that a visitor brings", 1_000_000, 1, 100_000_000)
DATASETS: Final = Number("DISSECTION_DATASETS", "datasets that a visitor brings", 3, 1, 100)
JUDGES: Final = Number("DISSECTION_JUDGES", "judges that a visitor adds to a dataset", 20, 1, 1000)
JOBS: Final = Number("DISSECTION_JOBS", "full analyses of a visitor at the same time", 1, 1, 100)
WORKERS: Final = Number("DISSECTION_WORKERS", "processes for the full analysis", cores(), 1, 256)
VISITORS: Final = Number("DISSECTION_VISITORS", "open pages at the same time", 200, 1, 100_000)
MEMORY_MB: Final = Number("DISSECTION_MEMORY_MB", "megabytes of memory for data and results", max(memory_mb() // 4, 256), 64, 10_000_000)
SPILL_MB: Final = Number("DISSECTION_SPILL_MB", "megabytes on disk for results that memory has no room for", 2000, 0, 10_000_000)
IDLE_MINUTES: Final = Number("DISSECTION_IDLE_MINUTES", "minutes after which an unused page is cleared", 240, 1, 100_000)
CACHE_MB: Final = Number("DISSECTION_CACHE_MB", "megabytes of the store", 2000, 1, 100_000_000)
JOURNALS_MB: Final = Number("DISSECTION_JOURNALS_MB", "megabytes of all journals", 2000, 1, 100_000_000)
ENTRIES: Final = Number("DISSECTION_STORE_ENTRIES", "entries of the community", 1000, 1, 99_999)
PORT: Final = Number("PORT", "the port", 7860, 1, 65_535)
# Many proxies close a web socket on which nothing has passed for 60 seconds, some after 30, which is Streamlit's own interval.
PING_SECONDS: Final = Number("DISSECTION_PING_SECONDS", "seconds between two pings", 20, 1, 600)
NUMBERS: Final = (
    UPLOAD_MB,
    PAIRS,
    DATASETS,
    JUDGES,
    JOBS,
    WORKERS,
    VISITORS,
    MEMORY_MB,
    SPILL_MB,
    IDLE_MINUTES,
    CACHE_MB,
    JOURNALS_MB,
    ENTRIES,
    PING_SECONDS,
)

READ_ONLY: Final = "DISSECTION_READ_ONLY"
HOSTED: Final = "DISSECTION_HOSTED"  # set by `dissection.serve`
SWITCHES: Final = (READ_ONLY, HOSTED)


def switch(variable: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a variable is 1.

    Raises:
        InputError: it is neither 1 nor 0 nor empty.
    """
    words = environ.get(variable, "").strip()
    if words not in ("", "0", "1"):
        raise InputError(
            f"This neither switches on nor off: {short(words)}.",
            where=f"the environment variable {variable}",
            accepted="1: on; 0, or not set: off",
            remedy="mend the variable or unset it",
        )
    return words == "1"


def read_only() -> bool:
    """Whether visitors may only look: nothing of theirs is taken, and nothing is asked of others for them."""
    return switch(READ_ONLY)


def hosted() -> bool:
    """Whether the server is for others, so that its owner's tokens and keys are not for those who visit."""
    return switch(HOSTED) or bool(os.environ.get(SPACE, "").strip())


def short(words: str) -> str:
    """A value for a message."""
    return repr(words if len(words) <= 100 else f"{words[:100]}…")
