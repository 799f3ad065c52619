"""One file of the Hub into its cache, kept piece by piece: a transfer that breaks off or is given up goes on where it stopped.

The Hub's client (2.4) writes each download to a temporary file with a name of its own and deletes it when the download fails, so that its
next try starts anew (huggingface_hub, pull request 4228). Here the bytes stay beside the place of the finished file, and the next try asks
for the rest. The client finds the finished file in its cache and links it as its own.
"""

import contextlib
import hashlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from dissection.hub.faults import BrokenOffError
from dissection.hub.parts import RemoteFile

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

TIMEOUT: Final = 20.0
TRIES: Final = 5
PAUSE: Final = 1.0
LEFT_ALONE: Final = 7 * 86_400.0  # seconds after which pieces that nobody has gone on with are removed

_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_KEPT: Final = "kept.incomplete"


def ask(repo: str, file: RemoteFile, token: str | Literal[False]) -> "HfFileMetadata":
    """What the Hub says of a file: where it lies, its hash and its size; also the question whether it may be had.

    Asked once: the client's own download would wait out a rate limit in silence.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(repo, file.path, repo_type="dataset", revision=file.commit)
    return get_hf_file_metadata(url, token=token, timeout=TIMEOUT)


def fill_cache(repo: str, file: RemoteFile, token: str | Literal[False], report: Callable[[int], None]) -> None:
    """See that the content of a file is in the Hub's cache.

    Args:
        repo: owner/name.
        file: which file, at which commit.
        token: False: none.
        report: told how many bytes of the file are here; an exception that it raises ends the transfer, and what has come is kept.

    Raises:
        HfHubHTTPError, httpx2.TransportError: as the Hub's client raises them.
        OSError: the cache's disk takes no more.
        BrokenOffError: the pieces don't make up the file that the Hub has.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import FileMetadataError
    from huggingface_hub.file_download import repo_folder_name

    found = ask(repo, file, token)
    etag = found.etag or ""
    if found.size is None or not _HASH.fullmatch(etag):
        raise FileMetadataError("The Hub does not say which file it is, or how large.")
    blob = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="dataset") / "blobs" / etag
    if blob.exists():
        return
    with _kept(blob) as path:
        # What came in one answer is known by its size, as it is to the client; what is put together is looked at.
        if _fetch(found.location, found.size, path, _headers(found.location, token), report) and _is_other(path, etag):
            path.unlink()
            raise BrokenOffError(
                "The pieces that came don't make up the file.", where=f"{repo}, {file.path}", remedy="try again; it starts anew"
            )
        path.replace(blob)


def sweep() -> None:
    """Remove the pieces that nobody has gone on with for a week, also those of a server that died; the client's own are left alone."""
    from huggingface_hub import constants

    for pieces in Path(constants.HF_HUB_CACHE).glob(f"datasets--*/blobs/*.{_KEPT}"):
        with contextlib.suppress(OSError):  # it has just gone
            if pieces.stat().st_mtime < time.time() - LEFT_ALONE:
                pieces.unlink()


@contextlib.contextmanager
def _kept(blob: Path) -> Iterator[Path]:
    """The place of what has come so far, for one transfer alone: two at once would write into each other's bytes."""
    kept, own = (blob.with_name(f"{blob.name}.{name}") for name in (_KEPT, f"{uuid.uuid4().hex[:8]}.{_KEPT}"))
    blob.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        kept.replace(own)
    try:
        yield own
    except OSError as error:
        if error.errno is not None:  # a full disk is not helped by half a file
            own.unlink(missing_ok=True)
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            own.replace(kept)


def _headers(location: str, token: str | Literal[False]) -> dict[str, str]:
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    headers = {**build_hf_headers(token=token), "Accept-Encoding": "identity"}
    if urlsplit(location).netloc != urlsplit(constants.ENDPOINT).netloc:
        # Large files lie on other hosts, which have no business with the token.
        headers.pop("authorization", None)
    return headers


def _fetch(location: str, size: int, path: Path, headers: dict[str, str], report: Callable[[int], None]) -> bool:
    """Fetch what is missing, again after each break; whether the file is put together from several answers."""
    import httpx2

    put_together, failures = path.exists(), 0
    while (here := _size(path)) != size or not path.exists():
        report(here)
        try:
            put_together = _append(location, path, headers, here, report)
            if _size(path) != size:
                raise httpx2.RemoteProtocolError("The answer has another length than the file.")
        except httpx2.TransportError:
            failures = 0 if here < _size(path) < size else failures + 1
            if failures >= TRIES:
                raise
            time.sleep(PAUSE)
    report(size)
    return put_together


def _append(location: str, path: Path, headers: dict[str, str], here: int, report: Callable[[int], None]) -> bool:
    """Ask for the file from byte `here` on and write what comes; False if it came from its start."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    ranged = {**headers, "Range": f"bytes={here}-"} if here else headers
    with get_session().stream("GET", location, headers=ranged, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT) as response:
        if response.status_code == 416:  # more is here than there is
            path.unlink(missing_ok=True)
        hf_raise_for_status(response)
        goes_on = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {here}-")
        with path.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                report(file.tell())
    return goes_on


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_other(path: Path, etag: str) -> bool:
    """Whether the content is not that of the hash; only those of large files, SHA-256, are hashes of the content alone."""
    with path.open("rb") as file:
        return len(etag) == 64 and hashlib.file_digest(file, "sha256").hexdigest() != etag
