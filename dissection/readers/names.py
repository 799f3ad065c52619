"""What names and texts of a dataset may be, so that every page can list and show them."""

from typing import Final

from dissection.errors import DatasetError
from dissection.verdicts import shown

# Of judges, properties, scenarios, conditions and meta columns, each: every page lists them all.
MAX_NAMES: Final = 1_000
MAX_NAME_LENGTH: Final = 1_000


def check_count(what: str, count: int, where: str) -> None:
    """Refuses more names of a kind than a page can list.

    Args:
        what: the kind, as in "judges".
        count: how many there are.
        where: the place, for messages.

    Raises:
        DatasetError: they are more than `MAX_NAMES`.
    """
    if count > MAX_NAMES:
        raise DatasetError(
            f"There are more than {MAX_NAMES:,} {what}.",
            where=where,
            accepted=f"at most {MAX_NAMES:,} {what}",
            remedy=f"check that no ids or texts are taken for {what}, or join them into fewer",
        )


def check_text(text: str, what: str, where: str, most: int = MAX_NAME_LENGTH) -> None:
    """Refuses what no page can show.

    Args:
        text: a text or a name.
        what: it is, as the beginning of a sentence.
        where: the place, for messages.
        most: how many characters it may have.

    Raises:
        DatasetError: it is longer, or holds half of a character, as escaped JSON can.
    """
    if len(text) > most:
        raise DatasetError(
            f"{what} has {len(text):,} characters: {shown(text)}.",
            where=where,
            accepted=f"at most {most:,} characters",
            remedy="check that no column is taken for another, or shorten it",
        )
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{what} holds half of a character: {shown(text)}.", where=where, accepted="whole characters", remedy="correct the text"
        ) from error
