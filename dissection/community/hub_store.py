"""Entries in a dataset of the Hub: kept here until a scheduled commit has taken them there, then read from there."""

import contextlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dissection.community.card import Card
from dissection.community.faults import AlreadyThereError, CommunityError, StoreError
from dissection.community.folder import FolderStore, Listing, check_key
from dissection.community.remote import FOLDER, Remote
from dissection.errors import InputError
from dissection.hub.address import HubAddress
from dissection.hub.client import usable_token
from dissection.hub.trouble import translated

if TYPE_CHECKING:
    from huggingface_hub import CommitScheduler

EVERY_MINUTES: Final = 2.0
RETRY_SECONDS: Final = 60.0


class HubStore:
    """Entries in a dataset of the Hub, which several servers may share.

    Args:
        address: of the dataset, which is made when something is first published.
        waiting: the folder where entries wait for the next commit.
        max_entries: how many entries there may be.
        every: minutes between commits.
    """

    def __init__(self, address: HubAddress, waiting: Path, max_entries: int, every: float = EVERY_MINUTES) -> None:
        self.address = address
        self.place = f"on the Hugging Face Hub, in the dataset {address.repo}"
        self.every = every
        self.waiting = waiting
        self._waiting = FolderStore(waiting, max_entries)
        self._remote = Remote(address, waiting.with_name(f"{waiting.name}.cards.json"), max_entries)
        self._writer: CommitScheduler | None = None
        self._trouble: InputError | None = None
        self._tried = -RETRY_SECONDS
        self._starting = threading.Lock()

    def listing(self) -> Listing:
        """Every entry's card. What waits here is looked at first, so that nothing that moves between the two looks is missed.

        Raises:
            StoreError: the folder of those that wait can't be read.
        """
        waiting = self._waiting.listing()
        self._remote.look()
        if waiting.cards and self._writer is None and time.monotonic() - self._tried > RETRY_SECONDS:
            with contextlib.suppress(InputError):  # kept as trouble
                self._start()
        cards = {card.id: card for card in waiting.cards} | self._remote.cards
        shown = sorted(cards.values(), key=lambda card: (card.date, card.id), reverse=True)
        return Listing(
            tuple(shown),
            self._remote.skipped + waiting.skipped,
            frozenset(cards) - frozenset(self._remote.cards),
            self._remote.trouble or (self._trouble if waiting.cards else None),
        )

    def packed(self, card: Card) -> bytes:
        """An entry's data.

        Raises:
            HubError: the Hub can't be reached, or has them no longer.
        """
        try:
            return self._waiting.packed(card)
        except CommunityError:  # it is on the Hub
            return self._remote.packed(card)

    def add(self, card: Card, packed: bytes) -> None:
        """Publish an entry: it is kept here when this returns, and comes to the Hub by the next commit that succeeds.

        Raises:
            AlreadyThereError: the same content is there.
            CommunityError: there is no room for it.
            StoreError: the server has no token that may write there, the Hub can't be reached, or the disk is full.
        """
        there = self.listing()
        if any(known.id == card.id for known in there.cards):
            raise AlreadyThereError(card.id, remedy="look at it in the list above")
        if len(there.cards) >= self._waiting.max_entries:
            raise CommunityError(
                f"The community holds {self._waiting.max_entries:,} entries, as many as it may.",
                remedy="ask the owner of this server for room",
            )
        with self._start().lock:
            self._waiting.add(card, packed)

    def remove(self, card_id: str, key: str) -> None:
        """Remove an entry here and on the Hub, after any commit that is under way.

        Raises:
            KeyRefusedError: the key is not this entry's.
            CommunityError: there is no such entry.
            StoreError: the Hub can't be reached or refuses; nothing was removed.
        """
        writer = self._start()
        writer.api.run_as_future(self._remove, writer, card_id, key).result()

    def close(self) -> None:
        """Stop committing; what waits is committed by the next server on this folder."""
        if self._writer is not None:
            self._writer.stop()

    def _remove(self, writer: "CommitScheduler", card_id: str, key: str) -> None:
        self._remote.look(now=True)
        if self._remote.trouble is not None:
            raise self._refused("removed", self._remote.trouble)
        waiting = next((card for card in self._waiting.listing().cards if card.id == card_id), None)
        card = self._remote.cards.get(card_id, waiting)
        if card is None:
            raise CommunityError("There is no such entry, or it has been removed.", remedy="look at the list again")
        check_key(card, key)
        if card_id in self._remote.cards:
            try:
                with translated(self.address, FOLDER, writer.token):
                    writer.api.delete_folder(
                        f"{FOLDER}/{card_id}", self.address.repo, repo_type="dataset", commit_message="Entry removed by its publisher"
                    )
            except InputError as error:
                raise self._refused("removed", error) from error
        with writer.lock:
            self._waiting.discard(card_id)
        self._remote.look(now=True)

    def _start(self) -> "CommitScheduler":
        """The scheduler; the first to ask makes it, and the dataset where there is none.

        Raises:
            StoreError: there is no token, or the Hub does not let it write or can't be reached.
        """
        with self._starting:
            if self._writer is not None:
                return self._writer
            self._tried = time.monotonic()
            try:
                token = usable_token(None)
                if not token:
                    raise StoreError("This server has no token to write to the Hub.", remedy="its owner sets HF_TOKEN")
                with translated(self.address, "", token):
                    self._writer = _writer(self, token)
            except InputError as error:
                self._trouble = self._refused("published", error)
                raise self._trouble from error
            self._trouble = None
            return self._writer

    def _refused(self, what: str, error: InputError) -> StoreError:
        return StoreError(
            f"Nothing was {what}: {error.problem}",
            where=self.address.page,
            remedy=f"tell the owner of this server, whose HF_TOKEN has to be able to write to {self.address.repo}; or try again later",
        )

    def arrived(self, writer: "CommitScheduler") -> None:
        """Called after each commit: what is on the Hub now need not wait here any longer."""
        self._trouble = None
        with writer.lock:
            for card in self._waiting.listing().cards:
                files = [path for path in writer.last_uploaded if path.parent.name == card.id]
                if len(files) > 1:
                    self._remote.learn(card)
                    self._waiting.discard(card.id)
                for path in files:
                    del writer.last_uploaded[path]

    def failed(self, error: InputError) -> None:
        """Called after a commit that did not succeed; the next one takes what this one should have."""
        self._trouble = error


def _writer(store: HubStore, token: str) -> "CommitScheduler":
    from huggingface_hub import CommitScheduler

    class Writer(CommitScheduler):
        def push_to_hub(self) -> Any:
            try:
                with translated(store.address, "", token):
                    done = super().push_to_hub()
            except InputError as error:
                store.failed(error)
                raise
            store.arrived(self)
            return done

    return Writer(
        repo_id=store.address.repo,
        repo_type="dataset",
        folder_path=store.waiting,
        path_in_repo=FOLDER,
        every=store.every,
        token=token,
        ignore_patterns=[".*"],  # entries that are being written
    )
