"""Messages through a pipe: eight bytes of length, then the content."""

import struct
from typing import BinaryIO

_LENGTH = struct.Struct(">Q")


def write_frame(pipe: BinaryIO, content: bytes) -> None:
    """Send a message through an unbuffered pipe.

    Raises:
        OSError: nobody reads any more.
    """
    rest = memoryview(_LENGTH.pack(len(content)) + content)
    while rest:
        rest = rest[pipe.write(rest) :]


def read_frame(pipe: BinaryIO) -> bytes | None:
    """The next message from an unbuffered pipe; None where it ends, be it in the midst of one."""
    head = _read(pipe, _LENGTH.size)
    return None if head is None else _read(pipe, _LENGTH.unpack(head)[0])


def _read(pipe: BinaryIO, size: int) -> bytes | None:
    content = bytearray()
    while len(content) < size:
        part = pipe.read(min(size - len(content), 1 << 20))
        if not part:
            return None
        content += part
    return bytes(content)
