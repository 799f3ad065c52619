"""The prompts, as files in `data/prompts/`; a file's name carries its version, which is kept with every answer."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from dissection.endpoint.structured import Message
from dissection.errors import UnknownNameError
from dissection.judges import DATA_FOLDER

FOLDER: Final = DATA_FOLDER / "prompts"
_SECTION: Final = re.compile(r"^## (system|user)\n", re.MULTILINE)
_PLACE: Final = re.compile(r"\{\{|\}\}|\{(\w+)\}")


@cache
def template(name: str) -> tuple[tuple[str, str], ...]:
    """Role and text of each message of a prompt.

    Args:
        name: folder and file without its ending, as in "judge/verdict-letter-1".

    Raises:
        UnknownNameError: there is no such prompt.
    """
    path = FOLDER / f"{name}.md"
    if not re.fullmatch(r"[a-z]+/[a-z-]+-\d+", name) or not path.is_file():
        known = sorted(f"{found.parent.name}/{found.stem}" for found in FOLDER.glob("*/*.md"))
        raise UnknownNameError(f"There is no prompt named {name!r}.", accepted=", ".join(known))
    pieces = _SECTION.split(path.read_text(encoding="utf-8"))
    return tuple((role, text.strip()) for role, text in zip(pieces[1::2], pieces[2::2], strict=True))


def messages(name: str, values: Mapping[str, str]) -> tuple[Message, ...]:
    """A prompt with its places filled; what is filled in is not looked through for places. A message that stays empty is left out.

    Args:
        name: as for `template`.
        values: for each place of the prompt.
    """

    def fill(match: re.Match[str]) -> str:
        return values[match[1]] if match[1] else match[0][0]

    filled = [{"role": role, "content": _PLACE.sub(fill, text).strip()} for role, text in template(name)]
    return tuple(message for message in filled if message["content"])


def version(name: str) -> str:
    """What is kept with every answer: "verdict-letter-1" of "judge/verdict-letter-1"."""
    return name.rpartition("/")[2]
