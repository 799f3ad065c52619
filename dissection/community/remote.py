"""The entries in a dataset of the Hub, as they are read: cards by their commit, each once; data when an entry is opened."""

import contextlib
import json
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from dissection.community.card import MAX_CARD_BYTES, Card, parse_card
from dissection.community.content import MAX_PACKED
from dissection.community.faults import CardError, CommunityError
from dissection.community.folder import CARD, DATA
from dissection.errors import InputError
from dissection.hub.address import HubAddress
from dissection.hub.client import TIMEOUT, usable_token
from dissection.hub.faults import HubError, MissingError
from dissection.hub.trouble import translated

FOLDER: Final = "entries"
FRESH_SECONDS: Final = 60.0
READERS: Final = 8

_PATH: Final = re.compile(rf"{FOLDER}/([0-9a-f]{{32}})/({re.escape(CARD)}|{re.escape(DATA)})")


class _Known(NamedTuple):
    """A card as the Hub has it: the hash of its file, and its text."""

    blob: str
    text: str


class Remote:
    """What the Hub has. One for each process, used by many threads.

    Args:
        address: of the dataset.
        memory: a file that keeps the cards, so that they can be listed when the Hub can't be reached.
        max_entries: how many are listed.
    """

    def __init__(self, address: HubAddress, memory: Path, max_entries: int) -> None:
        self.address = address
        self.memory = memory
        self.max_entries = max_entries
        self.cards: dict[str, Card] = {}
        self.skipped = 0
        self.trouble: InputError | None = None
        self._known: dict[str, _Known] = {}
        self._commit = ""
        self._looked = -FRESH_SECONDS
        self._lock = threading.RLock()

    def look(self, *, now: bool = False) -> None:
        """Ask the Hub for what it has, once a minute; `trouble` says why what is known may not be all."""
        with self._lock:
            if not now and time.monotonic() - self._looked < FRESH_SECONDS:
                return
            if not self._known:
                self._recall()
            try:
                self._refresh()
                self.trouble = None
            except HubError as error:
                self.trouble = error
            self._looked = time.monotonic()

    def learn(self, card: Card) -> None:
        """A card that has just come to the Hub; it is listed from now on, and the Hub is asked at the next look."""
        with self._lock:
            self.cards[card.id] = card
            self._looked = -FRESH_SECONDS

    def packed(self, card: Card) -> bytes:
        """An entry's data, from the Hub's own cache where they are there.

        Raises:
            HubError: the Hub can't be reached, or has them no longer.
        """
        self.look()
        return self._fetch(f"{FOLDER}/{card.id}/{DATA}", MAX_PACKED)

    def _fetch(self, path: str, limit: int) -> bytes:
        from huggingface_hub import hf_hub_download

        token = usable_token(None)
        with translated(self.address, path, token):
            local = Path(
                hf_hub_download(
                    self.address.repo, path, repo_type="dataset", revision=self._commit or None, token=token, etag_timeout=TIMEOUT
                )
            )
            if local.stat().st_size > limit:
                raise CommunityError("A file of the community is too large.", where=path, accepted=f"{limit:,} bytes")
            return local.read_bytes()

    def _refresh(self) -> None:
        from huggingface_hub import HfApi

        token = usable_token(None)
        try:
            with translated(self.address, "", token):
                info = HfApi(token=token).dataset_info(self.address.repo, files_metadata=True, timeout=TIMEOUT)
                files = {str(file.rfilename): file for file in info.siblings or []}
        except MissingError:
            if not token:
                raise
            # It is made when something is first published.
            self.cards, self._known, self.skipped = {}, {}, 0
            return
        whole, self.skipped = _whole(files, self.max_entries)
        self._commit = str(info.sha)
        missing = [name for name, blob in whole.items() if name not in self._known or self._known[name].blob != blob]
        with ThreadPoolExecutor(READERS) as pool:
            texts = list(pool.map(lambda name: self._fetch(f"{FOLDER}/{name}/{CARD}", MAX_CARD_BYTES), missing))
        read = {name: _Known(whole[name], text.decode("utf-8", "replace")) for name, text in zip(missing, texts, strict=True)}
        self._known = {name: read.get(name) or self._known[name] for name in whole}
        self._parse()
        if missing:
            self._remember()

    def _parse(self) -> None:
        self.cards = {}
        for name, known in self._known.items():
            with contextlib.suppress(CardError):
                card = parse_card(known.text.encode("utf-8", "replace"))
                if card.id == name:
                    self.cards[name] = card
        self.skipped += len(self._known) - len(self.cards)

    def _remember(self) -> None:
        partial = self.memory.with_name(f"{self.memory.name}.{uuid.uuid4().hex}")
        with contextlib.suppress(OSError):
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps({"commit": self._commit, "cards": self._known}), encoding="utf-8")
            partial.replace(self.memory)
        partial.unlink(missing_ok=True)

    def _recall(self) -> None:
        with contextlib.suppress(OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
            kept: dict[str, Any] = json.loads(self.memory.read_text(encoding="utf-8"))
            known = {str(name): _Known(str(blob), str(text)) for name, (blob, text) in kept["cards"].items()}
            self._known, self._commit = known, str(kept["commit"])
            self._parse()


def _whole(files: dict[str, Any], most: int) -> tuple[dict[str, str], int]:
    """The entries that have both their files, each of a size that it may have, as id → hash of the card's file; and how many do not."""
    found: dict[str, dict[str, Any]] = {}
    foreign = 0
    for path, file in files.items():
        if match := _PATH.fullmatch(path):
            found.setdefault(match[1], {})[match[2]] = file
        else:
            foreign += path.startswith(f"{FOLDER}/")
    limits = {CARD: MAX_CARD_BYTES, DATA: MAX_PACKED}
    whole = {
        name: str(parts[CARD].blob_id)
        for name, parts in found.items()
        if all(name in parts and 0 < (parts[name].size or 0) <= limit for name, limit in limits.items())
    }
    kept = dict(list(whole.items())[:most])
    return kept, foreign + len(found) - len(kept)
