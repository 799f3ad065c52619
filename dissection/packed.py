"""Packed files: gzip, zstd, and ZIP archives with one file. Nothing is unpacked beyond the limit, so a bomb costs little."""

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, Final, NamedTuple

from dissection import spool
from dissection.errors import FileError
from dissection.spool import Content, disk_in_words, mapped, private_file

_PART: Final = 1 << 20


class _Packing(NamedTuple):
    name: str
    magic: bytes
    open: Callable[[Content], Any]


def _stream(content: Content) -> IO[bytes]:
    """The content as a file; one that is mapped is not copied."""
    if isinstance(content, bytes):
        return io.BytesIO(content)
    import pyarrow as pa

    return pa.BufferReader(pa.py_buffer(content))  # type: ignore[no-any-return]


def _compressed(content: Content, codec: str) -> IO[bytes]:
    # Not Python's own gzip: a file of ten million empty members would keep it busy for minutes.
    import pyarrow as pa

    return pa.CompressedInputStream(pa.BufferReader(pa.py_buffer(content)), codec)  # type: ignore[no-any-return]


def _zip(content: Content) -> IO[bytes]:
    archive = zipfile.ZipFile(_stream(content))
    return archive.open(_only_member(archive))


_PACKINGS = (
    _Packing("gzip", b"\x1f\x8b", lambda content: _compressed(content, "gzip")),
    _Packing("zstd", b"\x28\xb5\x2f\xfd", lambda content: _compressed(content, "zstd")),
    _Packing("ZIP", b"PK\x03\x04", _zip),
)
_BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)


class _MembersError(Exception):
    """A ZIP archive that does not hold one file."""


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    # macOS adds a shadow of each file; folders are entries too.
    members = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    if any(info.filename == "[Content_Types].xml" for info in members):
        raise _MembersError("This is an Excel workbook, whatever its name says.")
    if len(members) != 1:
        names = ", ".join(info.filename for info in members[:5])
        raise _MembersError(f"The ZIP archive holds {len(members)} files{f': {names}' if names else ''}{' …' if len(members) > 5 else ''}.")
    return members[0]


def _packing(content: Content) -> _Packing | None:
    head = content[:8]
    return next((packing for packing in _PACKINGS if head.startswith(packing.magic)), None)


def _to_disk(packed: IO[bytes], max_bytes: int) -> Content:
    """The content in a private file; in memory while it is small, so that the demo can be opened where the disk is full."""
    first = packed.read(spool.SPILL_BYTES + 1)
    if len(first) <= spool.SPILL_BYTES:
        return first
    with disk_in_words(), private_file() as file:
        written = file.write(first)
        while written <= max_bytes and (part := packed.read(_PART)):
            written += file.write(part)
        file.flush()
        return mapped(file)


def unpack(content: Content, filename: str, max_bytes: int, *, to_disk: bool = False) -> Content:
    """The content of a packed file; any other content as it is.

    Args:
        content: of the file.
        filename: for messages; what kind it is shows in its first bytes. Names inside an archive are not used.
        max_bytes: how large it may be once unpacked.
        to_disk: unpack what is large into a private file, which is mapped.

    Raises:
        FileError: it is broken, too large, locked by a password, packed twice, or an archive without exactly one file; or the disk takes no
            more.
    """
    packing = _packing(content)
    if packing is None:
        return content
    try:
        with packing.open(content) as packed:
            unpacked = _to_disk(packed, max_bytes) if to_disk else packed.read(max_bytes + 1)
    except _MembersError as error:
        remedy = "save the sheet as CSV" if "Excel" in str(error) else "unpack it, and upload the one that holds the rows"
        raise FileError(str(error), where=filename, accepted="an archive with one file", remedy=remedy) from error
    except FileError:  # of the disk, not of the file
        raise
    except _BROKEN as error:
        raise FileError(
            f"The {packing.name} file is broken or locked: {' '.join(str(error).split())[:200]}.",
            where=filename,
            accepted="a whole .gz, .zst or .zip file without a password",
            remedy="pack it again, or upload it unpacked",
        ) from error
    if len(unpacked) > max_bytes:
        raise FileError(
            f"The {packing.name} file ({len(content) / 1e6:,.1f} MB) unpacks to more than {max_bytes / 1e6:,.0f} MB.",
            where=filename,
            accepted=f"at most {max_bytes / 1e6:,.0f} MB unpacked",
            remedy="leave out columns that are not needed, or split the file",
        )
    inner = _packing(unpacked)
    if inner:
        raise FileError(
            f"The {packing.name} file holds another {inner.name} file.",
            where=filename,
            accepted="one layer of packing",
            remedy="unpack it once",
        )
    return unpacked
