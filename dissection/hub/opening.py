"""From an address on the Hub to a PairDataset."""

import dataclasses
import importlib
import zipfile
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

from dissection.dataset import PairDataset
from dissection.hub.address import HubAddress, parse
from dissection.hub.client import MAX_BYTES, Listing, Progress, Token, download, list_parts
from dissection.hub.faults import ChoiceError
from dissection.hub.parts import Part, choose
from dissection.readers import READERS, open_dataset, with_properties
from dissection.tables import Table, joined, read_table
from dissection.tables_text import most_rows, too_many, too_many_rows

MAX_UNPACKED = 4_000_000_000
MAX_DECODED = 2 * MAX_UNPACKED  # as for one file of Parquet


def open_hub(
    address: str | HubAddress,
    token: Token = None,
    reader: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    listing: Listing | None = None,
) -> PairDataset:
    """A dataset of the Hub. Its name is that of the repository; its notes say which commit, configuration and split it is.

    Args:
        address: as in `dissection.hub.address.parse`.
        token: None: that of HF_TOKEN or of the login on this machine; False: none.
        reader: the name of a reader, to overrule the choice by content.
        progress: told how far the download is; an exception that it raises ends the download, and what has come is kept.
        max_bytes: how much may be downloaded.
        listing: what `list_parts` found at this address, to spare the Hub the question.

    Raises:
        HubError: the dataset can't be had; the message says why and what to do.
        InputError: the files can't be read, as in `dissection.readers.open_dataset`.
    """
    found = parse(address) if isinstance(address, str) else address
    listing = listing or list_parts(found, token)
    part = _one_file(listing, found) if found.file else choose(listing.parts, found)
    paths = download(listing, part, token, progress, max_bytes)
    dataset = _read(paths, part, found, reader)
    return dataclasses.replace(dataset, name=found.repo, notes=(_origin(listing, part), *dataset.notes))


def _one_file(listing: Listing, address: HubAddress) -> Part:
    """Any table of the repository can be named, also one that is in no configuration."""
    file = listing.files.get(address.file or "")
    return Part("", "", (file,)) if file else choose(listing.parts, address)


def _origin(listing: Listing, part: Part) -> str:
    commit = part.files[0].commit
    what = f"configuration {part.config}, split {part.split}" if part.split else part.files[0].path
    converted = "" if commit == listing.commit else f", in the Hub's own conversion to Parquet (commit {commit})"
    others = [label for label in listing.parts if part.split and label != part.label]
    more = f" It also has {', '.join(others[:8])}{' …' if len(others) > 8 else ''}." if others else ""
    return f"From {listing.address.page} at commit {listing.commit}: {what}{converted}.{more}"


def _read(paths: Sequence[Path], part: Part, address: HubAddress, reader: str | None) -> PairDataset:
    names = [file.path for file in part.files]
    _check_unpacked(paths, address)
    tables: list[Table] = []
    for path, name in zip(paths, names, strict=True):
        tables.append(read_table(path, name, MAX_UNPACKED))
        decoded, rows = sum(table.arrow.nbytes for table in tables if table.arrow is not None), sum(map(len, tables))
        if rows > most_rows():
            raise too_many_rows(address.repo, rows)
        if decoded > MAX_DECODED:
            raise too_many("bytes once decoded", decoded, MAX_DECODED, address.repo)
    table = tables[0] if len(tables) == 1 else _joined(tables, address)
    for candidate in READERS:
        if reader == candidate.NAME or (reader is None and candidate.recognises(table)):
            return with_properties(candidate.read(table))
    # No reader takes it: this raises the error that says so.
    return open_dataset(paths[0], names[0], reader)


def _joined(tables: Sequence[Table], address: HubAddress) -> Table:
    """The rows of several files, in the order of the files, and counted over all of them."""
    kinds = {table.kind for table in tables}
    if len(kinds) > 1 or kinds & {"json object", "lines"}:
        raise ChoiceError(
            "The files of this split can't be put together, as they are not tables of one form.",
            where=str(address),
            accepted=", ".join(table.filename for table in tables[:12]),
            remedy="name one of the files behind the dataset's name",
        )
    return joined(tables, f"{address.repo}, {len(tables)} files together")


def _check_unpacked(paths: Sequence[Path], address: HubAddress) -> None:
    """Refuse what is too large together before any of it is unpacked; each file for itself is checked where it is read."""
    for size in accumulate(map(_unpacked, paths)):
        if size > MAX_UNPACKED:
            raise too_many("bytes once unpacked", size, MAX_UNPACKED, address.repo)


def _unpacked(path: Path) -> int:
    """Bytes once unpacked: counted, or by what the file says of itself where it can hold no more; its own where it is not packed."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return sum(member.file_size for member in archive.infolist())
        if path.suffix in (".gz", ".zst"):
            return _streamed(path, {".gz": "gzip", ".zst": "zstd"}[path.suffix])
        if path.suffix == ".parquet":
            metadata = importlib.import_module("pyarrow.parquet").read_metadata(path)
            return sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    except (OSError, ValueError, ImportError, zipfile.BadZipFile):  # said where the file is read
        return 0
    return path.stat().st_size


def _streamed(path: Path, codec: str) -> int:
    """Bytes of a packed stream, counted up to the limit: few zstd files say how many they hold, and gzip files only those of their last member."""
    pa = importlib.import_module("pyarrow")
    size = 0
    with pa.CompressedInputStream(pa.OSFile(str(path)), codec) as stream:
        while size <= MAX_UNPACKED and (piece := stream.read(1 << 20)):
            size += len(piece)
    return size
