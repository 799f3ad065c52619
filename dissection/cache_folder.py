"""Where this machine's user has caches kept."""

import os
from collections.abc import Mapping
from pathlib import Path

from dissection.errors import InputError


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that DISSECTION_CACHE names, else preference-dissection in XDG_CACHE_HOME or ~/.cache; it may not exist yet.

    Raises:
        InputError: it is a file.
    """
    caches = environ.get("XDG_CACHE_HOME", "")
    fallback = (Path(caches) if Path(caches).is_absolute() else Path.home() / ".cache") / "preference-dissection"
    folder = Path(environ.get("DISSECTION_CACHE") or fallback).expanduser()
    if folder.exists() and not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder.",
            where="the environment variable DISSECTION_CACHE",
            accepted="a folder, which is made where it is missing",
            remedy="give another folder or unset the variable",
        )
    return folder
