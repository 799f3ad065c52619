"""Where this machine's user has caches kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder that DISSECTION_CACHE names, else preference-dissection in XDG_CACHE_HOME or ~/.cache; it may not exist yet."""
    caches = os.environ.get("XDG_CACHE_HOME", "")
    fallback = (Path(caches) if Path(caches).is_absolute() else Path.home() / ".cache") / "preference-dissection"
    return Path(os.environ.get("DISSECTION_CACHE") or fallback).expanduser()
