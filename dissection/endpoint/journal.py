"""The journal of a run: every finished call on disk before anything else happens, so that nothing is ever paid for twice."""

import contextlib
import json
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from dissection.endpoint.faults import JournalError, PaidError, RefusedError, UnreadableError
from dissection.endpoint.protocol import Answer, Letter

NAME: Final = "journal.jsonl"
LOCK: Final = "journal.lock"
HEAD: Final = {"journal": "preference-dissection", "version": 1}
_FAULTS: Final[dict[str, type[PaidError]]] = {"refused": RefusedError, "unreadable": UnreadableError}

Finished = Answer | PaidError


class Journal:
    """Finished calls by their keys, in a folder of their own. Open it with `with`; safe for threads.

    A last line that was cut off in writing is taken away, as its call was not finished. Only one process writes at a time.

    Args:
        folder: made if it does not exist.
        max_bytes: of the file; None: no limit.

    Raises:
        JournalError: the folder can't be made or written, another process has the journal, or the file is no journal.
    """

    def __init__(self, folder: Path, max_bytes: int | None = None) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._writing = threading.Lock()
        self._found: dict[str, Finished] = {}
        self._file: IO[bytes] | None = None
        self._lock: Any = None

    def __enter__(self) -> Self:
        import filelock

        path = self.folder / NAME
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(self.folder / LOCK, timeout=0)
            self._lock.acquire()
        except filelock.Timeout:
            raise JournalError(
                "Another process writes this journal.", where=str(self.folder), remedy="wait for it to end, or name another folder"
            ) from None
        except OSError as error:
            raise self._disk(error) from None
        try:
            self._file = self._open(path)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.release()

    def __contains__(self, key: object) -> bool:
        return key in self._found

    def get(self, key: str) -> Finished | None:
        """What came of a call; None where it is not finished."""
        return self._found.get(key)

    def add(self, key: str, finished: Finished) -> None:
        """Keep what came of a call. When this returns, it is on the disk.

        Raises:
            JournalError: it can't be written, or the journal is full; what was there before is as it was.
        """
        line = (json.dumps(_record(key, finished), ensure_ascii=True) + "\n").encode()
        with self._writing:
            assert self._file is not None, "the journal is not open"
            size = self._file.tell()
            if self.max_bytes is not None and size + len(line) > self.max_bytes:
                raise JournalError(
                    f"The journal is full: it has {size / 1e6:,.1f} MB of answers.",
                    accepted=f"at most {self.max_bytes / 1e6:,.1f} MB for one study on this server",
                    remedy="ask about fewer at a time",
                )
            try:
                self._append(line)
            except OSError as error:
                with contextlib.suppress(OSError):
                    self._file.truncate(size)
                    self._file.seek(size)
                raise self._disk(error) from None
            self._found[key] = finished

    def _append(self, line: bytes) -> None:
        assert self._file is not None
        # Unbuffered, so that nothing of a failed write comes later.
        written = self._file.write(line)
        if written != len(line):
            raise OSError(0, "not all of it could be written")
        os.fsync(self._file.fileno())

    def _open(self, path: Path) -> IO[bytes]:
        try:
            content = path.read_bytes() if path.exists() else b""
            complete = content[: content.rfind(b"\n") + 1]
            self._found = dict(self._read(complete.splitlines(), path)) if complete else {}
            if not complete and content and not json.dumps(HEAD).encode().startswith(content):
                raise self._foreign(path, 1)
            file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        except OSError as error:
            raise self._disk(error) from None
        file.truncate(len(complete))
        file.seek(len(complete))
        self._file = file
        if not complete:
            self._append((json.dumps(HEAD) + "\n").encode())
        return file

    def _read(self, lines: list[bytes], path: Path) -> list[tuple[str, Finished]]:
        found = []
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
                if number == 1:
                    if record != HEAD:
                        raise self._foreign(path, number)
                    continue
                found.append((str(record["key"]), _finished(record)))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise self._foreign(path, number) from None
        return found

    def _foreign(self, path: Path, line: int) -> JournalError:
        return JournalError(
            "The file is no journal of this version, or it was changed.",
            where=f"{path}, line {line}",
            remedy="name another folder, or take that line away: its call is then made again",
        )

    def _disk(self, error: OSError) -> JournalError:
        reason = (os.strerror(error.errno) if error.errno else error.strerror or "it can't be written").lower()
        return JournalError(
            f"The journal can't be kept: {reason}.", where=str(self.folder), remedy="name a folder with room that can be written"
        )


def _record(key: str, finished: Finished) -> dict[str, Any]:
    answer = finished.answer if isinstance(finished, PaidError) else finished
    fault = next((name for name, kind in _FAULTS.items() if isinstance(finished, kind)), None)
    told = {"fault": fault, "problem": finished.problem} if isinstance(finished, PaidError) else {}
    return {
        "key": key,
        **told,
        "text": answer.text,
        "parsed": answer.parsed,
        "top_logprobs": answer.top_logprobs,
        "tokens": [answer.tokens_in, answer.tokens_out],
        "requests": answer.requests,
    }


def _finished(record: dict[str, Any]) -> Finished:
    tops = tuple(tuple(Letter(str(token), float(logprob)) for token, logprob in place) for place in record["top_logprobs"])
    tokens_in, tokens_out = (int(tokens) for tokens in record["tokens"])
    answer = Answer(str(record["text"]), record["parsed"], tops, tokens_in, tokens_out, int(record["requests"]))
    return _FAULTS[record["fault"]](str(record["problem"]), answer) if "fault" in record else answer
