"""Files that appear whole or not at all: what was there before stays until all of the new content is on the disk."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes its place at the end; what is no file, as a pipe, is written as it is.

    Raises:
        OSError: the folder can't be written, or the disk is full; what was there before is as it was, and nothing is left behind.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as there:
            yield there
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=path.suffix, delete=False) as file:
        written = Path(file.name)
        try:
            yield file
            file.flush()  # a full disk may only be told of now
        except BaseException:
            written.unlink()
            with contextlib.suppress(OSError):  # closing writes what is left, once more
                file.close()
            raise
    written.chmod(0o644)
    written.replace(path)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write all of a file; text as UTF-8.

    Raises:
        OSError: as `whole_file`.
    """
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
