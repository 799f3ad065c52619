"""One JSON text into its value: a key that comes twice, or more depth than any table has, is refused. See `dissection.tables`."""

import json
from typing import Final

from dissection.errors import FileError
from dissection.verdicts import shown

# Levels of lists and objects in JSON: far more than any form has, far fewer than what makes Python's own recursion fail.
MAX_DEPTH: Final = 32


def load_json(text: str, where: str) -> object:
    """The value of a JSON text.

    Raises:
        FileError: a key comes twice, the text is nested too deeply, or a number can't be.
        json.JSONDecodeError: it is malformed.
    """
    try:
        found = _JSON.decode(text)
    except _TwiceError as error:
        raise FileError(
            f"The key {shown(error.key)} comes twice in one JSON object.",
            where=where,
            accepted="each key once",
            remedy="remove one of them",
        ) from error
    except RecursionError as error:
        raise _too_deep(where) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # what Python says of whole numbers beyond this length
        raise FileError(
            "The JSON holds an impossible number: it has more than 4,300 digits.",
            where=where,
            accepted="numbers as programs write them",
            remedy="correct it, or put it into quotes if it is an id",
        ) from error
    # What has few brackets is not deep; most lines have few.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(found, where)
    return found


def _check_depth(value: object, where: str) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        parts = (part for holder in level for part in (holder.values() if isinstance(holder, dict) else holder))
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return
    raise _too_deep(where)


def _too_deep(where: str) -> FileError:
    accepted = f"rows of plain values, lists and objects within each other at most {MAX_DEPTH} times"
    return FileError("The JSON is nested too deeply.", where=where, accepted=accepted, remedy="flatten it")


class _TwiceError(Exception):
    """A key that comes twice in one object."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = iter(key for key, _ in pairs)
    seen = {next(keys)}
    while (twice := next(keys)) not in seen:
        seen.add(twice)
    raise _TwiceError(twice)


# Made once, as there may be a million lines.
_JSON: Final = json.JSONDecoder(object_pairs_hook=_unique)


def broken_json(error: json.JSONDecodeError, where: str) -> FileError:
    """The error for malformed JSON."""
    return FileError(
        f"The JSON is malformed: {error.msg}.",
        where=where,
        accepted="one JSON value, or one a line",
        remedy="mend it there, or write the file again with a JSON library",
    )
