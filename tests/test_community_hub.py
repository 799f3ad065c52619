"""Publishing into a dataset of the Hub: the client's own scheduled commits, against a server that speaks its protocol."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import huggingface_hub.utils._http
import pytest

from dissection.community import remote
from dissection.community.card import Draft
from dissection.community.content import Subject, identity, read_dataset
from dissection.community.faults import AlreadyThereError, CommunityError, KeyRefusedError, StoreError
from dissection.community.hub_store import HubStore
from dissection.community.publishing import Published, publish
from dissection.community.setting import open_store
from dissection.hub.address import parse
from dissection.hub.faults import AccessError, HubError, OfflineError
from tests.conftest import make_dataset
from tests.hub_fixtures import SET, TOKEN, hub
from tests.hub_server import Fault, HubServer

__all__ = ["hub"]  # the fixture

# The client itself warns of how it uploads.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Make = Callable[..., HubStore]
SOON = 0.002  # minutes between commits
LATER = 1000.0


@pytest.fixture
def make(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Make]:
    """Makes stores on `SET`, whose owner's token may write there; each on its own folder, as on a machine of its own."""
    hub.writers = {TOKEN}
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    # The client waits a second and more between its tries.
    monkeypatch.setattr(huggingface_hub.utils._http, "time", SimpleNamespace(sleep=lambda _: None, time=time.time))
    monkeypatch.setattr(remote, "FRESH_SECONDS", 0.0)
    made: list[HubStore] = []

    def store(folder: str = "one", every: float = LATER, most: int = 100) -> HubStore:
        made.append(HubStore(parse(SET), tmp_path / folder / "waiting", most, every))
        return made[-1]

    yield store
    for each in made:
        each.close()


def put(store: HubStore, seed: int = 0) -> Published:
    return publish(store, Subject(make_dataset(n=6, seed=seed)), Draft(f"entry {seed}", "Made up.", "MIT"))


def commit(store: HubStore) -> None:
    """What the scheduler does when its time has come."""
    assert store._writer is not None
    store._writer.trigger().result(timeout=30)


def titles(store: HubStore) -> set[str]:
    return {card.title for card in store.listing().cards}


def test_an_entry_goes_to_the_hub_and_is_read_by_another_server(hub: HubServer, make: Make, tmp_path: Path) -> None:
    store = make()
    assert store.listing().cards == ()
    assert store.listing().trouble is None, "the dataset is made when something is first published"
    card = put(store).card
    commit(store)
    assert set(hub.repos[SET].files("main")) == {".gitattributes", f"entries/{card.id}/card.json", f"entries/{card.id}/data.jsonl.gz"}
    assert not list((tmp_path / "one" / "waiting").glob("[0-9a-f]*")), "what is on the Hub need not wait here"
    for reader in (store, make("two")):
        listing = reader.listing()
        assert listing.cards == (card,)
        assert (listing.skipped, listing.waiting, listing.trouble) == (0, frozenset(), None)
        assert identity(read_dataset(card, reader.packed(card))) == identity(make_dataset(n=6))
    with pytest.raises(AlreadyThereError):
        put(make("three"))


def test_the_scheduler_commits_by_itself(make: Make) -> None:
    store = make(every=SOON)
    put(store)
    end = time.monotonic() + 20
    while store.listing().waiting and time.monotonic() < end:
        pass
    assert not store.listing().waiting
    assert titles(store) == {"entry 0"}


def test_what_waits_is_listed_and_read(make: Make) -> None:
    store = make()
    put(store)
    commit(store)
    waiting = put(store, 1).card
    listing = store.listing()
    assert titles(store) == {"entry 0", "entry 1"}
    assert listing.waiting == {waiting.id}
    assert len(read_dataset(waiting, store.packed(waiting))) == 6


def test_what_waited_when_a_server_died_is_committed_by_the_next(make: Make, hub: HubServer) -> None:
    before = make()
    before._start()
    before._writer.trigger().result()  # type: ignore[union-attr]
    card = put(before).card
    before.close()
    after = make()
    assert after.listing().waiting == {card.id}
    commit(after)
    assert f"entries/{card.id}/card.json" in hub.repos[SET].files("main")
    assert not after.listing().waiting


def test_two_servers_lose_nothing(make: Make) -> None:
    stores = [make("one"), make("two")]
    for seed in range(6):
        put(stores[seed % 2], seed)
    for store in stores:
        commit(store)
    for store in stores:
        assert titles(store) == {f"entry {seed}" for seed in range(6)}
    with pytest.raises(CommunityError, match="6 entries"):
        put(make("three", most=6), 7)


def test_removal_on_the_hub(hub: HubServer, make: Make) -> None:
    store = make()
    published, other = put(store), put(store, 1)
    commit(store)
    for key in ("x", other.key):
        with pytest.raises(KeyRefusedError):
            store.remove(published.card.id, key)
    store.remove(published.card.id, published.key)
    assert titles(store) == {"entry 1"} == titles(make("two"))
    assert not [path for path in hub.repos[SET].files("main") if published.card.id in path]
    commit(store)
    assert titles(make("three")) == {"entry 1"}, "it does not come back"
    waiting = put(store, 2)
    store.remove(waiting.card.id, waiting.key)
    commit(store)
    assert titles(store) == {"entry 1"}
    with pytest.raises(CommunityError, match="no such entry"):
        store.remove(waiting.card.id, waiting.key)


def test_removed_by_the_owner(hub: HubServer, make: Make) -> None:
    store = make()
    card = put(store).card
    commit(store)
    hub.repos[SET].revisions["main"] = {".gitattributes": b""}
    assert not store.listing().cards
    commit(store)
    assert not store.listing().cards, "and it does not come back"
    assert put(store).card.id == card.id


@pytest.mark.parametrize("where", ["entries/x", f"entries/{'a' * 32}/card.json", f"entries/{'b' * 32}/data.jsonl.gz", "entries/../../x"])
def test_foreign_files_of_the_dataset_are_counted(hub: HubServer, make: Make, where: str) -> None:
    store = make()
    card = put(store).card
    commit(store)
    hub.repos[SET].revisions["main"] |= {where: b"x", "README.md": b"# hello"}
    assert store.listing().cards == (card,)
    assert store.listing().skipped == 1


def test_hostile_cards_of_the_dataset(hub: HubServer, make: Make) -> None:
    store = make()
    card = put(store).card
    commit(store)
    files = hub.repos[SET].revisions["main"]
    written = files[f"entries/{card.id}/card.json"]
    for place, content in enumerate((b"[" * 30_000, b"x" * 70_000, b"\xff", written)):
        name = f"{place:032x}"
        files |= {f"entries/{name}/card.json": content, f"entries/{name}/data.jsonl.gz": b"x"}
    assert store.listing().cards == (card,)
    assert store.listing().skipped == 4
    fetched = [asked.path for asked in hub.asked if f"{1:032x}" in asked.path]
    assert not fetched, "what is too large is not downloaded"


def test_only_new_cards_are_fetched(hub: HubServer, make: Make) -> None:
    store = make()
    for seed in range(3):
        put(store, seed)
    commit(store)
    reader = make("two")
    reader.listing()
    hub.asked.clear()
    new = put(store, 3).card
    commit(store)
    hub.asked.clear()
    assert len(reader.listing().cards) == 4
    assert {asked.path.split("/entries/")[1] for asked in hub.bodies()} == {f"{new.id}/card.json"}


def test_offline_shows_what_was_known(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make()
    card = put(store).card
    commit(store)
    store.packed(card)
    make().listing()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    listing = make().listing()
    assert listing.cards == (card,)
    assert isinstance(listing.trouble, OfflineError)
    stranger = make("two")
    assert stranger.listing().cards == ()
    assert isinstance(stranger.listing().trouble, OfflineError)
    with pytest.raises(StoreError, match=r"Nothing was published: The Hub can't be reached"):
        put(stranger, 1)
    assert not list(stranger.waiting.glob("*")), "nothing was kept that is said not to be"


def test_a_commit_that_fails_is_made_up_for(hub: HubServer, make: Make) -> None:
    store = make()
    put(store)
    commit(store)
    for fault in (
        Fault("POST /api/.*/commit", 500),
        Fault("POST /api/.*/preupload", 503),
        Fault("PUT /upload", 500),
        Fault("POST /.*/lfs", 500),
    ):
        hub.faults = [fault]
        card = put(store, len(hub.asked)).card
        with pytest.raises(HubError):
            commit(store)
        listing = store.listing()
        assert card in listing.cards
        assert card.id in listing.waiting
        assert isinstance(listing.trouble, HubError)
        hub.faults = []
        commit(store)
        assert store.listing().trouble is None
        assert not store.listing().waiting
    assert len(store.listing().cards) == 5


def test_a_removal_that_fails_removes_nothing(hub: HubServer, make: Make) -> None:
    store = make()
    published = put(store)
    commit(store)
    hub.faults = [Fault("POST /api/.*/commit", 500)]
    with pytest.raises(StoreError, match="Nothing was removed"):
        store.remove(published.card.id, published.key)
    hub.faults = []
    assert store.listing().cards == (published.card,)
    store.remove(published.card.id, published.key)
    assert not store.listing().cards


def test_tokens(hub: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.writers = set()
    with pytest.raises(StoreError, match=r"Nothing was published.*HF_TOKEN has to be able to write"):
        put(make())
    monkeypatch.setenv("HF_TOKEN", "hf_wrongwrongwrong")
    store = make("two")
    with pytest.raises(StoreError, match="does not accept this token"):
        put(store)
    assert isinstance(store.listing().trouble, AccessError | CommunityError)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(StoreError, match="no token to write"):
        put(make("three"))
    for folder in ("one", "two", "three"):
        assert not make(folder).listing().cards


@pytest.mark.parametrize("status", [500, 502, 429])
def test_the_hub_fails_while_it_is_read(hub: HubServer, make: Make, status: int) -> None:
    store = make()
    card = put(store).card
    commit(store)
    hub.faults = [Fault("GET /api/datasets", status)]
    listing = store.listing()
    assert listing.cards == (card,)
    assert listing.trouble is not None
    hub.faults = [Fault("GET /api/datasets", 200, body=json.dumps({"id": SET, "sha": "x", "siblings": [1]}).encode())]
    assert store.listing().cards == (card,)
    hub.faults = []
    assert store.listing().trouble is None


def test_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    store = open_store("hf://datasets/owner/name")
    assert isinstance(store, HubStore)
    assert store.place.endswith("owner/name")
    assert store.waiting == tmp_path / "preference-dissection" / "community" / "owner--name"
