"""The Hub's own client: what files a dataset has, and downloading them into the Hub's own cache.

It keeps finished files for later visits; what came of a file that broke off is kept by `transfer.py`.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from dissection.hub import transfer
from dissection.hub.address import HubAddress
from dissection.hub.faults import MissingError, ServerError, TokenError, TooLargeError
from dissection.hub.parts import Part, RemoteFile, parts_of
from dissection.hub.trouble import translated

MAX_BYTES: Final = 1_000_000_000
MAX_FILES: Final = 200
TIMEOUT: Final = 20.0
CONVERTED: Final = "refs/convert/parquet"

Token = str | Literal[False] | None


class Progress(NamedTuple):
    """How far a download is."""

    files_done: int
    files: int
    bytes_done: int
    bytes: int


class Listing(NamedTuple):
    """What the Hub has of a dataset at one commit.

    Attributes:
        address: which dataset, at which revision.
        commit: the revision's commit.
        parts: label → part.
        restricted: whether its files are for those alone whom the Hub knows: a private or gated dataset.
        files: path → file, also of those that are in no part.
    """

    address: HubAddress
    commit: str
    parts: dict[str, Part]
    restricted: bool
    files: dict[str, RemoteFile]


def usable_token(token: Token) -> str | Literal[False]:
    """What is handed to the Hub's client: the token given, else that of HF_TOKEN or of the login; False: none.

    Raises:
        TokenError: it can't be a token. The message does not repeat it.
    """
    from huggingface_hub import get_token

    if token is False:
        return False
    found = (token or "").strip() or (get_token() or "").strip()
    if found and not re.fullmatch(r"[\x21-\x7e]{4,4096}", found):
        raise TokenError(
            "The token has characters that no token has.",
            where="the token field" if token else "HF_TOKEN, or the stored login",
            accepted="one word, as in hf_…",
            remedy="copy it again from the Hub's settings",
        )
    return found or False


def list_parts(address: HubAddress, token: Token = None) -> Listing:
    """The configurations and splits of a dataset. Where a repository has no Parquet, the Hub's own conversion is listed too.

    Raises:
        HubError: the Hub can't be reached, does not have it, or does not show it to the owner of this token.
    """
    sent = usable_token(token)
    found = _look(address, address.revision, sent)
    parts = parts_of(found.files, found.card)
    forms = {file.path.rpartition(".")[2] for part in parts.values() for file in part.files}
    if address.revision is None and address.file is None and "parquet" not in forms:
        with contextlib.suppress(MissingError):
            parts = {**parts, **parts_of(_look(address, CONVERTED, sent).files)}
    return Listing(address, found.commit, parts, found.restricted, {file.path: file for file in found.files})


def download(
    listing: Listing, part: Part, token: Token = None, progress: Callable[[Progress], None] | None = None, max_bytes: int = MAX_BYTES
) -> list[Path]:
    """The files of a part, from the Hub's cache where they are there.

    A private or gated dataset is asked for also when its files are in the cache: they may be there by another visitor's leave.

    Args:
        listing: of the dataset.
        part: of it.
        token: as for `usable_token`.
        progress: told how far the download is; an exception that it raises ends the download, and what has come is kept.
        max_bytes: how much may be downloaded.

    Raises:
        TooLargeError: together they are larger than `max_bytes`; nothing was downloaded.
        HubError: as for `list_parts`, or the download broke off, or there is no room for it.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    sent = usable_token(token)
    address = listing.address
    _check_size(part, address, max_bytes)
    transfer.sweep()
    if listing.restricted:
        with translated(address, part.label, sent):
            transfer.ask(address.repo, part.files[0], sent)
    done, paths = 0, []
    for place, file in enumerate(part.files):

        def report(now: int, place: int = place, done: int = done) -> None:
            if progress is not None:
                progress(Progress(place, len(part.files), min(done + now, part.size), part.size))

        report(0)
        with translated(address, file.path, sent):
            if not isinstance(try_to_load_from_cache(address.repo, file.path, revision=file.commit, repo_type="dataset"), str):
                transfer.fill_cache(address.repo, file, sent, report)
            paths.append(Path(hf_hub_download(address.repo, file.path, repo_type="dataset", revision=file.commit, token=sent)))
        done += file.size
    if progress is not None:
        progress(Progress(len(part.files), len(part.files), part.size, part.size))
    return paths


def _check_size(part: Part, address: HubAddress, max_bytes: int) -> None:
    if part.size > max_bytes or len(part.files) > MAX_FILES:
        raise TooLargeError(
            f"The download has {part.size / 1e6:,.0f} MB in {len(part.files):,} files.",
            where=f"{address.repo}, {part.label.strip('/') or part.files[0].path}",
            accepted=f"at most {max_bytes / 1e6:,.0f} MB in at most {MAX_FILES} files",
            remedy="choose a smaller split or one file of it, or download it and upload the rows that you need",
        )


class _Found(NamedTuple):
    commit: str
    files: list[RemoteFile]
    card: object
    restricted: bool


def _look(address: HubAddress, revision: str | None, token: str | Literal[False]) -> _Found:
    from huggingface_hub import HfApi

    with translated(address, revision or "", token):
        # Its first request is its only one: unlike the listing of a tree, it does not wait out errors for half a minute.
        info = HfApi(token=token).dataset_info(address.repo, revision=revision, files_metadata=True, timeout=TIMEOUT)
        commit = str(info.sha)
        files = [RemoteFile(str(file.rfilename), max(int(file.size or 0), 0), commit) for file in info.siblings or []]
        card = info.card_data.get("configs") if info.card_data is not None else None
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise ServerError("The Hub's answer names no commit.", where=address.repo, remedy="try again in a few minutes")
    return _Found(commit, files, card, bool(info.gated) or bool(info.private))
