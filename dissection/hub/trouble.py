"""From an error of the Hub's client to one that says what is wrong and what to do."""

import contextlib
import json
import os
import re
from collections.abc import Iterator

from dissection.errors import InputError
from dissection.hub.address import HubAddress
from dissection.hub.faults import (
    SETTINGS_PAGE,
    AccessError,
    BrokenOffError,
    DiskError,
    GatedError,
    HubError,
    MissingError,
    OfflineError,
    RateLimitError,
    ServerError,
)
from dissection.wording import count

LATER = "try again in a few minutes"


@contextlib.contextmanager
def translated(address: HubAddress, what: str, token: object) -> Iterator[None]:
    """Errors of the Hub's client in our words. The client's own are cut off: they hold the request, and with it the token."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - what is neither the Hub's nor the network's is raised again
        # What went wrong in an upload is behind an error that says only of which file.
        reason = error.__cause__ if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception) else error
        raise translate(reason, address, what, has_token=bool(token)) from None


def translate(error: Exception, address: HubAddress, what: str, *, has_token: bool) -> InputError:
    """What a user is told of an error; one that is none of the Hub's or the network's is raised again.

    Args:
        error: as the Hub's client raised it.
        address: what was asked for.
        what: the revision, the part or the file.
        has_token: whether a token was sent.
    """
    from huggingface_hub import errors

    if isinstance(error, InputError):
        return error
    # Only the cache's disk gives a number; errors of the network are OSErrors without one.
    if isinstance(error, OSError) and error.errno is not None:
        return DiskError(
            f"The download can't be kept: {os.strerror(error.errno).lower()}.",
            where="the Hub's cache (HF_HOME)",
            remedy="make room there, or set HF_HOME to a folder with room",
        )
    # The client hides the reason behind "not in the cache".
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        return translate(error.__cause__, address, what, has_token=has_token)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return OfflineError("HF_HUB_OFFLINE is set, so the Hub is not asked.", where=str(address), remedy="unset it, and try again")
    if isinstance(error, errors.HfHubHTTPError):
        return _of_answer(error, address, what, has_token=has_token)
    return _of_failure(error, address, what)


def _of_failure(error: Exception, address: HubAddress, what: str) -> HubError:
    """For errors that come with no answer of the Hub's, or with one that can't be read."""
    import httpx2
    from huggingface_hub import errors

    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol)):
        return OfflineError(
            "The Hub can't be reached.", where=str(address), remedy="check the connection, or download the file elsewhere and upload it"
        )
    if isinstance(error, httpx2.TimeoutException):
        return _broken_off(address, what, "The Hub did not answer in time.")
    if isinstance(error, (httpx2.TransportError, httpx2.StreamError)) or "Consistency check failed" in str(error):
        return _broken_off(address, what)
    if isinstance(
        error, (json.JSONDecodeError, UnicodeDecodeError, httpx2.DecodingError, httpx2.TooManyRedirects, errors.FileMetadataError)
    ):
        return _nonsense(address)
    if isinstance(error, (errors.HFValidationError, errors.EntryNotFoundError)):
        return _missing(address, what)
    # A JSON answer that is not of the form of a dataset fails while the client takes it apart.
    if isinstance(error, (KeyError, TypeError, AttributeError, ValueError)):
        return _nonsense(address)
    if isinstance(error, OSError):
        return _broken_off(address, what)
    raise error


def _broken_off(address: HubAddress, what: str, how: str = "The connection broke off.") -> BrokenOffError:
    return BrokenOffError(
        how,
        where=f"{address.repo}, {what}" if what else address.repo,
        remedy="try again; what has come is kept, and only the rest is asked for",
    )


def _nonsense(address: HubAddress) -> ServerError:
    return ServerError(
        "The Hub's answer can't be understood.",
        where=address.repo,
        remedy=f"{LATER}; if a proxy or a login page stands in between, open the Hub in the browser first",
    )


def _of_answer(error: Exception, address: HubAddress, what: str, *, has_token: bool) -> HubError:
    from huggingface_hub import errors

    assert isinstance(error, errors.HfHubHTTPError)
    status = int(error.response.status_code)
    if isinstance(error, errors.GatedRepoError):
        token = "with the account of this token" if has_token else f"and give a token of that account ({SETTINGS_PAGE})"
        return GatedError(
            "The dataset is gated: its terms have to be accepted first.", where=address.page, remedy=f"accept them there {token}"
        )
    if isinstance(error, errors.DisabledRepoError):
        return MissingError("The Hub has switched this dataset off.", where=address.page, remedy="choose another one")
    if isinstance(error, errors.RevisionNotFoundError):
        return MissingError(
            f"There is no revision named {what or address.revision!r}.",
            where=address.repo,
            accepted="a branch, a tag or a commit",
            remedy="leave it out for the main branch",
        )
    if isinstance(error, errors.EntryNotFoundError):
        return _missing(address, what)
    if isinstance(error, errors.RepositoryNotFoundError):
        return _no_repository(address, has_token=has_token)
    if status in (401, 403):
        return _refused(address, has_token=has_token)
    if status == 429:
        return _rate_limit(error, address)
    if status == 404:
        return _missing(address, what)
    if status == 416:
        return BrokenOffError("The download can't go on where it broke off.", where=address.repo, remedy="try again")
    return ServerError(f"The Hub answered with error {status}.", where=address.repo, remedy=LATER)


def _missing(address: HubAddress, what: str) -> MissingError:
    return MissingError(f"There is no file {what!r}.", where=address.repo, remedy="look at the files on the dataset's page")


def _no_repository(address: HubAddress, *, has_token: bool) -> MissingError:
    private = "the token's account may not see it" if has_token else f"give a token that may read it ({SETTINGS_PAGE})"
    return MissingError(
        "There is no such dataset, or it is private.",
        where=address.page,
        remedy=f"check owner and name; if it is private, {private}",
    )


def _refused(address: HubAddress, *, has_token: bool) -> AccessError:
    if has_token:
        return AccessError(
            "The Hub does not accept this token for this dataset.",
            where=address.page,
            accepted="a valid token with read access to it",
            remedy=f"make a new one ({SETTINGS_PAGE}), or leave it out for public datasets",
        )
    return AccessError(
        "The dataset is not open to everyone.",
        where=address.page,
        accepted="a token with read access to it",
        remedy=f"make one: {SETTINGS_PAGE}",
    )


def _rate_limit(error: Exception, address: HubAddress) -> RateLimitError:
    headers = error.response.headers  # type: ignore[attr-defined]
    # The Hub says it in a header of its own, as in: "api";r=0;t=55
    said = re.search(r"^\s*(\d{1,6})\s*$", headers.get("Retry-After", "")) or re.search(r";\s*t=(\d{1,6})", headers.get("RateLimit", ""))
    wait = int(said[1]) if said else None
    return RateLimitError(
        "The Hub has had too many requests from here.",
        wait,
        where=address.repo,
        remedy=f"try again in {count(wait, 'second')}" if wait is not None else f"{LATER}; a token raises the limit",
    )
