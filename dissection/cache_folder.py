"""Where this machine's user has caches kept, and how large they may be."""

import os
import re
from pathlib import Path

from dissection.errors import InputError


def cache_folder() -> Path:
    """The folder that DISSECTION_CACHE names, else preference-dissection in XDG_CACHE_HOME or ~/.cache; it may not exist yet."""
    caches = os.environ.get("XDG_CACHE_HOME", "")
    fallback = (Path(caches) if Path(caches).is_absolute() else Path.home() / ".cache") / "preference-dissection"
    return Path(os.environ.get("DISSECTION_CACHE") or fallback).expanduser()


def megabytes(variable: str, usual: int, what: str) -> int:
    """The size that an environment variable sets.

    Args:
        variable: its name.
        usual: where it is not set.
        what: has this size, for the message.

    Raises:
        InputError: it is no size.
    """
    words = os.environ.get(variable) or str(usual)
    if not re.fullmatch(r"[0-9]{1,9}", words) or not int(words):
        raise InputError(
            f"The size of {what} is {words!r}.",
            where=f"the environment variable {variable}",
            accepted=f"a whole number of megabytes, 1 or more; {usual} where it is not set",
            remedy="mend the variable or unset it",
        )
    return int(words)
