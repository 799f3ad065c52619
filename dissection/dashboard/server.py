"""The server that others visit: Streamlit's own, with bounds around it, warmed up, and with a log of its own form.

`python -m dissection.serve` looks at the environment and starts this module with it.
"""

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import pkgutil
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import click
import streamlit as st
import streamlit.logger
from starlette.middleware import Middleware
from streamlit import runtime
from streamlit.web import cli
from streamlit.web.server.starlette import starlette_server
from uvicorn.config import LOGGING_CONFIG

import dissection
from dissection import dashboard, logs, serve, settings
from dissection.dashboard import reruns
from dissection.hosting.headers import Headers
from dissection.hosting.uploads import FRAME_BYTES, MEGABYTE, Bounds, Uploads
from dissection.hosting.visitors import Visitors

# What a browser says of a page is names and numbers, and of a table what was edited in it. Streamlit would take what it sends itself.
MOST_MESSAGE_BYTES = 10_000_000
UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
# Python's own is ten times as long: a page that lets go of the lock, as it does at each call of NumPy, would wait that long for work behind others.
SWITCH_SECONDS = 0.0005
# For whoever has woken the server up, and waits.
FIRST_SECONDS = 5.0
# What functions import when they are first called, and takes up to a second.
LIBRARIES = ("xarray", "h5netcdf", "sklearn.cluster", "sklearn.feature_extraction.text", "choix", "textstat")
UPLOADS_PART = 4  # of the memory for data and results is for files as they came


def app() -> st.App:
    """The app with what is around it."""
    layers = [
        Middleware(Headers),
        Middleware(Visitors, most=settings.VISITORS.read()),
        Middleware(Uploads, bounds=None if settings.read_only() else upload_bounds(), held=_held),
    ]
    return st.App(serve.APP, middleware=layers, lifespan=_life, on_script_error=_script_error)


def upload_bounds() -> Bounds:
    """How much of visitors' files is kept as it came: a part of the memory, and one of the largest at least."""
    largest = settings.UPLOAD_MB.read() * MEGABYTE
    return Bounds(largest, max(settings.MEMORY_MB.read() * 1_000_000 // UPLOADS_PART, largest + FRAME_BYTES))


def _held(session: str | None) -> int:
    """Bytes of the uploads that Streamlit keeps, of a session or of all."""
    kept = runtime.get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined] # the one that `st.App` makes
    sessions = list(kept.values()) if session is None else [kept[session]] if session in kept else []
    return sum(len(file.data) for files in sessions for file in list(files.values()))


@contextlib.asynccontextmanager
async def _life(_: st.App) -> AsyncIterator[None]:
    _log_in_lines()  # uvicorn has set up its own logs by now
    logs.event("server started", version=dissection.__version__, numbers=_numbers(), set=_names())
    warming = asyncio.create_task(_warm_up())
    yield
    warming.cancel()
    logs.event("server stopped")


async def _warm_up() -> None:
    """Draw the first page for nobody, then load what the other pages need, so that the first visitor need not wait for either."""
    await asyncio.sleep(0.5)  # until the server answers
    begun = time.monotonic()
    drawn, _ = await runtime.get_instance().does_script_run_without_error()
    threading.Thread(target=_load, args=(begun, drawn), daemon=True, name="warm-up").start()


def _load(begun: float, drawn: bool) -> None:  # noqa: FBT001 (a thread's argument)
    for module in pkgutil.iter_modules(dashboard.__path__, f"{dashboard.__name__}."):
        if module.name != __spec__.name:
            importlib.import_module(module.name)
            time.sleep(0.01)  # visitors first
    # What is loaded by now stays; collections need not look at it any more. Later they would have to, for what visitors have.
    gc.collect()
    gc.freeze()
    logs.event("warmed up", drawn=drawn, seconds=round(time.monotonic() - begun, 1))
    from dissection.dashboard.tasks import tasks

    time.sleep(FIRST_SECONDS)
    for name in LIBRARIES:
        tasks().drawing.give_way(worked=1.0)
        importlib.import_module(name)


def _script_error(error: Exception) -> None:
    """On which page; Streamlit has logged where in the program."""
    logs.event("script error", logging.ERROR, page=str(st.session_state.get("page")), error=type(error).__qualname__)


def _numbers() -> dict[str, int]:
    """The settings that are not the usual ones."""
    return {number.variable: number.read() for number in settings.NUMBERS if number.read() != number.usual}


def _names() -> list[str]:
    """What else is set, without its values."""
    numbers = {number.variable for number in settings.NUMBERS}
    names = {name for name in os.environ if name.startswith(("DISSECTION_", "STREAMLIT_"))} | {settings.SPACE, "HF_TOKEN"}
    return sorted(name for name in names - numbers if os.environ.get(name))


def _log_in_lines() -> None:
    """Every log through one handler, also those that Streamlit and uvicorn set up themselves."""
    # At its usual level uvicorn tells of each connection.
    LOGGING_CONFIG.update({"handlers": {}, "loggers": {name: {"level": "WARNING"} for name in UVICORN}})
    streamlit.logger.setup_formatter = logs.hand_over
    logs.install()
    for name in UVICORN:
        logging.getLogger(name).setLevel(logging.WARNING)


def _streamlits_own() -> dict[str, Any]:
    """Options of STREAMLIT_… variables. `streamlit run` takes them as if they stood on its command line; `st.App` takes none of them."""
    try:
        given = cli.main_run.make_context("run", [str(serve.APP)]).params
    except click.ClickException as error:
        error.show()
        sys.exit(serve.EXIT_BAD_INPUT)
    return {name.replace("_", "."): value for name, value in given.items() if "_" in name and value not in (None, ())}


def main() -> None:
    """Serve until a signal comes; the dataset that visitors see first is the one argument, if there is one."""
    # Streamlit takes the first word for the script, whose folder has the settings, and hands the rest on to it.
    sys.argv[0] = str(serve.APP)
    config = _streamlits_own() | serve.options(os.environ)
    _log_in_lines()
    starlette_server.get_max_message_size_bytes = lambda: MOST_MESSAGE_BYTES  # type: ignore[attr-defined]
    reruns.mend()
    sys.setswitchinterval(SWITCH_SECONDS)
    app().run(config=config)


if __name__ == "__main__":
    main()
