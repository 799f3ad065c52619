"""The card of a published entry: what it is, whose, under which licence. Cards are read as anything from outside is: nothing is believed."""

import dataclasses
import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, cast

from dissection.community.faults import CardError
from dissection.verdicts import shown

Kind = Literal["dataset", "labels"]

VERSION: Final = 1
CONSENT_VERSION: Final = 1
# SPDX ids; anything else is said in words behind OTHER.
LICENCES: Final = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "ODC-BY-1.0", "MIT", "Apache-2.0")
OTHER: Final = "other: "
LONGEST: Final = {"title": 80, "description": 500, "licence": 107, "author": 80, "name": 200}
MAX_CARD_BYTES: Final = 64_000
NAMED_JUDGES: Final = 100

# Control characters and those that turn the direction of a line would let a text pretend to be something else.
_HIDDEN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_DATE: Final = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Source(NamedTuple):
    """The pairs that an entry is about: for a dataset itself, for labels those that were judged.

    Attributes:
        name: what the publisher calls them.
        pairs: how many there are.
        pairs_hash: of ids and texts, see `content.pairs_hash`.
        identity: of everything that can change a result, see `content.identity`.
    """

    name: str
    pairs: int
    pairs_hash: str
    identity: str


class Draft(NamedTuple):
    """What the publisher writes."""

    title: str
    description: str
    licence: str
    author: str = ""


@dataclass(frozen=True)
class Card:
    """What is known of an entry without opening it.

    Attributes:
        kind: "dataset" or "labels".
        title: at most 80 characters.
        description: at most 500 characters.
        licence: one of `LICENCES`, or `OTHER` and words.
        author: free text; may be empty.
        date: of publishing, UTC, as in 2024-05-01T12:00:00Z.
        consent: the version of the words that the publisher agreed to.
        content_hash: SHA-256 of the unpacked data; its first half is the entry's id.
        judges: the first judges with the number of their verdicts (pairs with at least one).
        judge_count: of all judges.
        source: the pairs.
        removal_hash: SHA-256 of the key that removes the entry.
    """

    kind: Kind
    title: str
    description: str
    licence: str
    author: str
    date: str
    consent: int
    content_hash: str
    judges: tuple[tuple[str, int], ...]
    judge_count: int
    source: Source
    removal_hash: str

    @property
    def id(self) -> str:
        """The entry's id, which names its folder: 32 hexadecimal digits."""
        return self.content_hash[:32]

    def written(self) -> bytes:
        """The card as JSON."""
        fields = dataclasses.asdict(self) | {"format": VERSION, "source": self.source._asdict()}
        return (json.dumps(fields, indent=1) + "\n").encode()


def now() -> str:
    """The time as cards write it."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def checked(draft: Draft) -> Draft:
    """A draft, trimmed.

    Raises:
        CardError: title, description or licence are missing, a text is too long or holds hidden characters, or the licence is not known.
    """
    trimmed = Draft(*(part.strip() for part in draft))
    for field, value in trimmed._asdict().items():
        if not value and field != "author":
            raise CardError(f"There is no {field}.", accepted=f"1 to {LONGEST[field]} characters", remedy=f"write a {field}")
        _check_text(field, value)
    _check_licence(trimmed.licence)
    return trimmed


def _check_text(field: str, value: str) -> None:
    if len(value) > LONGEST[field]:
        raise CardError(
            f"The {field} has {len(value):,} characters.", where="card", accepted=f"at most {LONGEST[field]}", remedy="shorten it"
        )
    hidden = _HIDDEN.search(value)
    if hidden or ("\n" in value and field != "description"):
        raise CardError(
            f"The {field} holds the hidden character {shown(hidden.group() if hidden else chr(10))}.",
            where="card",
            accepted="letters, digits, spaces and punctuation",
            remedy="type it anew",
        )


def _check_licence(licence: str) -> None:
    if licence not in LICENCES and not (licence.startswith(OTHER) and licence.removeprefix(OTHER).strip()):
        raise CardError(
            f"The licence {shown(licence)} is not known.",
            where="card",
            accepted=f"{', '.join(LICENCES)}, or “{OTHER}” and its name",
            remedy="choose one",
        )


def parse_card(written: bytes) -> Card:
    """The card in a file.

    Raises:
        CardError: it is no card of this version, or holds what no card may.
    """
    try:
        fields = json.loads(written.decode("utf-8"), parse_constant=_refuse) if len(written) <= MAX_CARD_BYTES else None
    # Digits by the thousand are a ValueError, nesting by the thousand a RecursionError.
    except (ValueError, RecursionError) as error:
        raise CardError("The card is not JSON.", where="card") from error
    if not isinstance(fields, dict) or fields.get("format") != VERSION:
        raise CardError("This is no card, or one of another version.", where="card", accepted=f"format {VERSION}")
    source = fields.get("source")
    source = source if isinstance(source, dict) else {}
    kind = fields.get("kind")
    if kind not in ("dataset", "labels"):
        raise CardError(f"The kind is {shown(kind)}.", where="card", accepted="dataset or labels")
    draft = checked(Draft(*(_text(fields, field) for field in Draft._fields)))
    return Card(
        kind=cast("Kind", kind),
        **draft._asdict(),
        date=_matching(fields, "date", _DATE),
        consent=_count(fields, "consent"),
        content_hash=_matching(fields, "content_hash", _HASH),
        judges=_judges(fields.get("judges")),
        judge_count=_count(fields, "judge_count"),
        source=Source(
            _text(source, "name"), _count(source, "pairs"), _matching(source, "pairs_hash", _HASH), _matching(source, "identity", _HASH)
        ),
        removal_hash=_matching(fields, "removal_hash", _HASH),
    )


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise CardError(f"{key} is {shown(value)}.", where="card", accepted="text")
    _check_text(key, value)
    return value


def _matching(fields: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise CardError(f"{key} is {shown(value)}.", where="card")
    return value


def _count(fields: dict[str, Any], key: str) -> int:
    value = fields.get(key)
    if type(value) is not int or not 0 <= value <= 10**9:
        raise CardError(f"{key} is {shown(value)}.", where="card", accepted="a whole number")
    return value


def _judges(value: object) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, list) or len(value) > NAMED_JUDGES:
        raise CardError(f"judges is {shown(value)}.", where="card", accepted=f"a list of at most {NAMED_JUDGES}")
    found = []
    for item in value:
        if not isinstance(item, list) or len(item) != 2:
            raise CardError(f"A judge is {shown(item)}.", where="card", accepted="a name and a count")
        named = {"name": item[0], "verdicts": item[1]}
        found.append((_text(named, "name"), _count(named, "verdicts")))
    return tuple(found)
