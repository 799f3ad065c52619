"""The process that samples: cells come in through stdin, posteriors go out through stdout, draws go into the store.

`python -m dissection.jobs.worker FOLDER MAX_BYTES TEMPORARY [--readable]`, started by `process.WorkerProcess`.
"""

import argparse
import errno
import json
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from dissection.errors import InputError
from dissection.jobs.frames import read_frame, write_frame
from dissection.jobs.store import PosteriorStore
from dissection.regression import sampling
from dissection.regression.cells import Cell
from dissection.regression.sampling import Sampled, posterior_to_json

TRIES = 3
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than allowed",
    errno.EACCES: "the folder can't be written",
    errno.EPERM: "the folder can't be written",
    errno.EROFS: "the folder can't be written",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Answer cells until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the server too, which ends its workers
    parser = argparse.ArgumentParser(prog="python -m dissection.jobs.worker", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("max_bytes", type=int)
    parser.add_argument("temporary", type=Path, help="for temporary files; it is removed with the process")
    parser.add_argument("--readable", action="store_true")
    options = parser.parse_args(arguments)
    store = PosteriorStore(options.folder, options.max_bytes, readable=options.readable)
    tempfile.tempdir = str(options.temporary)
    replies = _reserve_stdout()
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(tasks, options.temporary), daemon=True).start()
    while True:
        write_frame(replies, json.dumps(answer(tasks.get(), store)).encode())


def answer(content: bytes, store: PosteriorStore) -> dict[str, Any]:
    """Sample one cell.

    Args:
        content: of `Cell.to_bytes`.
        store: where the draws go.

    Returns:
        "posteriors", "kept" and "warning", or "error" alone.
    """
    try:
        cell = Cell.from_bytes(content)
        sampled = sampling.run(cell)
    except Exception as error:  # noqa: BLE001 (whatever one cell raises, the next one must be sampled)
        traceback.print_exc()
        return {"error": _sentence(error)}
    warning = _keep(cell, sampled, store)
    return {"posteriors": [posterior_to_json(p) for p in sampled.posteriors], "kept": not warning, "warning": warning}


def _keep(cell: Cell, sampled: Sampled, store: PosteriorStore) -> str:
    """Put into the store; a warning in words where that fails."""
    try:
        store.put(cell, sampled)
    except Exception as error:  # noqa: BLE001 (the result is worth more than its copy on disk)
        traceback.print_exc()
        number = error.errno if isinstance(error, OSError) else None
        reason = _REASONS.get(number or 0) or getattr(error, "strerror", None) or _sentence(error).rstrip(".")
        return f"Draws could not be kept on disk: {reason}. The results are complete, but a restart of the app will forget them."
    return ""


def _sentence(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    first = next(iter(str(error).strip().splitlines()), "")
    return f"Sampling failed with {type(error).__name__}{': ' + first[:300].rstrip('.') if first else ''}."


def _read_tasks(tasks: "queue.SimpleQueue[bytes]", temporary: Path) -> None:
    """Hand tasks on; end the process, also in the midst of sampling, when the server has closed the pipe or died."""
    with open(os.dup(0), "rb", buffering=0) as pipe:  # noqa: PTH123 (a descriptor, not a path)
        while (content := read_frame(cast("BinaryIO", pipe))) is not None:
            tasks.put(content)
    # The server has gone and can't; a model that is being compiled may write meanwhile.
    for _ in range(TRIES):
        shutil.rmtree(temporary, ignore_errors=True)
    os._exit(0)


def _reserve_stdout() -> BinaryIO:
    """Stdout for replies alone; what libraries print, in Python or below, goes to stderr."""
    replies = open(os.dup(1), "wb", buffering=0)  # noqa: PTH123, SIM115 (a descriptor, not a path; open as long as the process)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return cast("BinaryIO", replies)


if __name__ == "__main__":
    main()
