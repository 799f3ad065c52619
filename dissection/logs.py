"""What a server logs: one line of JSON an event, with numbers and names of our own, and never a text, name or token of a visitor's."""

import json
import logging
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from types import FrameType
from typing import Final

MOST_FRAMES: Final = 40
MOST_CAUSES: Final = 5
_FOLDERS: Final = ("site-packages", "dist-packages")
_ROOT: Final = Path(__file__).resolve().parents[1]
_log = logging.getLogger(__name__)


def event(name: str, level: int = logging.INFO, **facts: object) -> None:
    """Log an event.

    Args:
        name: in the words of the program.
        level: of `logging`.
        facts: numbers, names of our own and hashes; never anything that a visitor gave.
    """
    _log.log(level, name, extra={"facts": facts})


def facts_of(error: BaseException) -> dict[str, object]:
    """An exception's type and frames and the types of what caused it, without any message: it may quote what a visitor gave."""
    frames = [_place(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in traceback.walk_tb(error.__traceback__)]
    found: dict[str, object] = {"error": _kind(error), "frames": frames[-MOST_FRAMES:]}
    causes: list[str] = []
    below = error.__cause__ or error.__context__
    while below is not None and len(causes) < MOST_CAUSES:
        causes.append(_kind(below))
        below = below.__cause__ or below.__context__
    return found | ({"causes": causes} if causes else {})


def install() -> None:
    """Let everything that is logged or raised in this process come to stderr in this form, whoever logs it; may be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in list(root.manager.loggerDict):
        hand_over(logging.getLogger(name))
    _log.setLevel(logging.INFO)
    sys.excepthook = lambda _, error, __: _raised("uncaught", error)
    threading.excepthook = lambda found: _raised("uncaught in a thread", found.exc_value)
    sys.unraisablehook = lambda found: _raised("uncaught where nothing can be raised", found.exc_value)
    warnings.showwarning = _warned


def hand_over(logger: logging.Logger) -> None:
    """Leave what a logger is told to the root's handler."""
    logger.handlers.clear()
    logger.propagate = True


class Lines(logging.Formatter):
    """A record as one line of JSON. Of others' records it has the place, and the message where that is a constant of the program."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {"time": f"{seconds}.{record.msecs:03.0f}Z", "level": record.levelname.lower()}
        if hasattr(record, "facts"):
            line |= {"event": record.msg, **record.facts}
        else:
            line |= {"event": "log", "logger": record.name, "at": _place(record.pathname, record.lineno, record.funcName)}
            if _is_constant(record):
                line["words"] = record.msg
        if record.exc_info and record.exc_info[1]:
            line |= facts_of(record.exc_info[1])
        return json.dumps(line, default=lambda value: type(value).__name__)


def _is_constant(record: logging.LogRecord) -> bool:
    """Whether the message stands as it is in the function that logs, which is still under way: then nothing was put into it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and (frame.f_code.co_filename, frame.f_code.co_name) != (record.pathname, record.funcName):
        frame = frame.f_back
    return frame is not None and isinstance(record.msg, str) and record.msg in frame.f_code.co_consts


def _raised(name: str, error: BaseException | None) -> None:
    event(name, logging.ERROR, **(facts_of(error) if error else {}))


def _warned(
    message: Warning | str,  # noqa: ARG001 (it may quote data)
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    event("warning", logging.WARNING, error=category.__qualname__, at=_place(filename, lineno, ""))


def _kind(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _place(path: str, line: int, function: str | None) -> str:
    """File, line and function, without the folders of this machine."""
    parts = Path(path).parts
    start = next((len(parts) - place for place, part in enumerate(reversed(parts)) if part in _FOLDERS), 0)
    if start:
        short = "/".join(parts[start:])
    else:
        short = Path(path).relative_to(_ROOT).as_posix() if Path(path).is_relative_to(_ROOT) else Path(path).name
    return f"{short}:{line} {function or ''}".rstrip()
