"""The app as a server that others visit, set up by its environment: `python -m dissection.serve` (docs/hosting.md)."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dissection import settings
from dissection.cache_folder import cache_folder
from dissection.errors import InputError
from dissection.settings import short

APP: Final = Path(__file__).resolve().parents[1] / "app.py"
EXIT_BAD_INPUT: Final = 2
# What glibc keeps of freed memory. Each rerun is a thread of its own, and there would be a pool for each of many; and once a large array has been
# freed, arrays up to its size would come from the pools, which keep the gaps between what stays, and not from the system, which has them back.
MEMORY: Final = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**23)}

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._~-]{0,63}")
_MOST_SEGMENTS: Final = 8


def options(environ: Mapping[str, str]) -> dict[str, str | int | bool]:
    """The options of Streamlit that the environment sets.

    Args:
        environ: the environment; docs/hosting.md lists what is read of it. A variable that is empty counts as not set.

    Raises:
        InputError: a variable has a value that it can't have.
    """
    return {
        "server.port": _port(environ),
        "server.address": "0.0.0.0",  # noqa: S104 (the proxy in front is another machine)
        "server.headless": True,
        "server.fileWatcherType": "none",  # the program does not change while it runs
        "server.websocketPingInterval": settings.PING_SECONDS.read(environ),
        "browser.gatherUsageStats": False,
        # To say where the app is, Streamlit would ask a host of the internet for this machine's address.
        "logger.hideWelcomeMessage": True,
        # A full collection after each run takes 0.1 s or more here; `dissection.dashboard.server` sees to it.
        "runner.postScriptGC": False,
        "logger.enableRich": False,  # it would print messages of exceptions, past the log
        **_upload(environ),
        **_base(environ),
        **_frame(environ),
    }


def check(environ: Mapping[str, str]) -> None:
    """Look at every number and switch, also those that are only needed later.

    Raises:
        InputError: a variable has a value that it can't have.
    """
    options(environ)
    for number in settings.NUMBERS:
        number.read(environ)
    for name in settings.SWITCHES:
        settings.switch(name, environ)
    cache_folder(environ)


def health_address(environ: Mapping[str, str]) -> str:
    """Where the server answers 200 on its own machine once it is up.

    Raises:
        InputError: as `options`.
    """
    path = base_path(environ)
    return f"http://127.0.0.1:{_port(environ)}/{path + '/' if path else ''}_stcore/health"


def base_path(environ: Mapping[str, str]) -> str:
    """The path that the app's addresses begin with, as in `tools/dissection`, without slashes around it; empty: none.

    Raises:
        InputError: it is no such path.
    """
    words = environ.get("DISSECTION_BASE_PATH", "").strip()
    path = words.strip("/")
    segments = path.split("/") if path else []
    if len(segments) > _MOST_SEGMENTS or not all(map(_SEGMENT.fullmatch, segments)):
        raise InputError(
            f"The base path is {short(words)}.",
            where="the environment variable DISSECTION_BASE_PATH",
            accepted=f"up to {_MOST_SEGMENTS} names of letters, digits and . _ ~ - with / between them, as in tools/dissection",
            remedy="mend the variable or unset it",
        )
    return path


def _port(environ: Mapping[str, str]) -> int:
    # PORT is how many platforms say it to any program; our own name goes before.
    name = "DISSECTION_PORT" if environ.get("DISSECTION_PORT", "").strip() else "PORT"
    return settings.PORT._replace(variable=name).read(environ)


def _upload(environ: Mapping[str, str]) -> dict[str, int]:
    """Only less than the usual can be set, as the readers refuse more; where nothing is, .streamlit/config.toml holds."""
    size = settings.UPLOAD_MB.read(environ)
    return {"server.maxUploadSize": size} if size < settings.UPLOAD_MB.most else {}


def _base(environ: Mapping[str, str]) -> dict[str, str]:
    path = base_path(environ)
    return {"server.baseUrlPath": path} if path else {}


def _frame(environ: Mapping[str, str]) -> dict[str, bool]:
    """What has to be switched off where a Space shows the app in a frame.

    The frame's page is of another site (huggingface.co) than the app (hf.space). An upload has to bring a cookie along that Streamlit has set
    before, and browsers neither keep nor send such a cookie in a frame of another site: each upload fails with 403 (streamlit #5793 and #9397,
    huggingface_hub #1496). `server.xsrfCookieSameSite=none` would help only where third-party cookies are allowed at all, which more and more
    browsers do not.

    What the check guards against is a foreign page that uses a visitor's login. A Space's visitors have none: no cookie says who they are,
    and files belong to a session whose random name no other page knows. For the same reason web sockets of any origin may be opened there;
    the check of origins knows the Space's own host only if the proxy passes it on, and asks a host of the internet where it does not. Where a
    login is set up (`[auth]` in secrets.toml), Streamlit keeps the cookie check, whatever is said here. Everywhere else both stay on.
    """
    if not environ.get(settings.SPACE, "").strip():
        return {}
    return {"server.enableXsrfProtection": False, "server.enableCORS": False}


def data(environ: Mapping[str, str]) -> list[str]:
    """FILE of `streamlit run app.py -- FILE`, the dataset that visitors see first; empty for the demo.

    Raises:
        InputError: there is no such file, or it is no address of a dataset.
    """
    words = environ.get("DISSECTION_DATA", "").strip()
    if not words:
        return []
    from dissection.hub.address import is_address, parse
    from dissection.hub.faults import AddressError

    wrong = ""
    path = Path(words).expanduser()
    if is_address(words):
        try:
            return [str(parse(words))]
        except AddressError as error:
            wrong = error.problem
    elif not path.exists():
        wrong = f"There is no default dataset at {short(words)}."
    elif not os.access(path, os.R_OK):
        wrong = f"The default dataset at {short(words)} can't be read by this user."
    if wrong:
        raise InputError(
            wrong,
            where="the environment variable DISSECTION_DATA",
            accepted="a file that can be read, a folder of published weights, or hf://datasets/owner/name; the demo where it is not set",
            remedy="mend the variable or unset it",
        )
    return [str(path.absolute())]


def main() -> None:
    """Become the server; where the environment is wrong, say so and end with status 2."""
    try:
        check(os.environ)
        command = [sys.executable, "-m", "dissection.dashboard.server", *data(os.environ)]
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(EXIT_BAD_INPUT)
    os.environ.setdefault(settings.HOSTED, "1")
    for name, value in MEMORY.items():
        os.environ.setdefault(name, value)
    # The same process, so that signals reach the server and what supervises it sees its end.
    os.execv(sys.executable, command)  # noqa: S606 (no shell, and nothing in the command comes from a visitor)


if __name__ == "__main__":
    main()
