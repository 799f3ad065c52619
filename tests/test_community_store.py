"""Publishing into a folder: what comes back, what is refused, bounds, removal, the setting."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.community import folder as folder_module
from dissection.community.card import Draft, parse_card
from dissection.community.content import Subject, identity, pairs_hash, read_dataset, read_judge, summary
from dissection.community.faults import AlreadyThereError, CardError, CommunityError, KeyRefusedError
from dissection.community.folder import FolderStore
from dissection.community.publishing import Published, publish
from dissection.community.setting import open_store
from dissection.dataset import PairDataset
from dissection.errors import DatasetError, InputError, TakenNameError
from dissection.judges import Judge
from dissection.readers import open_dataset
from tests.conftest import make_dataset

DRAFT = Draft("My pairs", "Made up for a test.", "CC-BY-4.0", "A. Nyone")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store", 100)


@pytest.fixture
def dataset() -> PairDataset:
    return make_dataset()


def put(store: FolderStore, seed: int = 0, draft: Draft = DRAFT) -> Published:
    return publish(store, Subject(make_dataset(n=6, seed=seed)), draft)


def titles(store: FolderStore) -> list[str]:
    return sorted(card.title for card in store.listing().cards)


def test_a_dataset_comes_back_equal(store: FolderStore, dataset: PairDataset) -> None:
    card = publish(store, Subject(dataset), DRAFT).card
    assert store.listing().cards == (card,)
    assert (card.title, card.licence, card.author, card.kind) == ("My pairs", "CC-BY-4.0", "A. Nyone", "dataset")
    assert card.judges == (("one", 60), ("two", 60))
    back = read_dataset(card, store.packed(card))
    assert identity(back) == identity(dataset) == card.source.identity
    assert back.name == "My pairs"
    assert "CC-BY-4.0" in back.notes[0]


def test_real_data_come_back_equal(store: FolderStore, shared: Path) -> None:
    dataset = open_dataset(shared / "haluquestqa.jsonl")
    card = publish(store, Subject(dataset), DRAFT).card
    assert identity(read_dataset(card, store.packed(card))) == identity(dataset)


def soft(dataset: PairDataset) -> PairDataset:
    """With a judge of soft verdicts in both orders, some missing."""
    rng = np.random.default_rng(1)
    verdicts = rng.random((len(dataset), 2))
    verdicts[:7] = np.nan
    verdicts[7:12, 1] = np.nan
    verdicts[12:20] = [0.0, 1.0]
    return dataset.with_judge(Judge("=mine, *really*", origin="upload"), verdicts)


def test_labels_come_back_with_soft_verdicts_in_both_orders(store: FolderStore, dataset: PairDataset) -> None:
    judged = soft(dataset)
    card = publish(store, Subject(judged, "=mine, *really*"), DRAFT).card
    assert card.kind == "labels"
    assert card.judges == (("=mine, *really*", 53),)
    assert card.source.pairs_hash == pairs_hash(dataset)
    report = read_judge(card, store.packed(card), dataset, "another name")
    assert report.judge == "another name"
    np.testing.assert_array_equal(report.verdicts, judged.verdicts[:, -1])
    with pytest.raises(TakenNameError):
        read_judge(card, store.packed(card), dataset, "one")
    with pytest.raises(CommunityError, match=r"other pairs.*My|other pairs.*made up, 60 pairs"):
        read_judge(card, store.packed(card), make_dataset(n=59), "mine")


def test_what_would_become_public_is_said(dataset: PairDataset) -> None:
    assert "53 of 60 pairs, 48 of them also with B first" in summary(Subject(soft(dataset), "=mine, *really*"))[1]
    said = "\n".join(summary(Subject(dataset)))
    assert "60 pairs" in said
    assert "one (60); two (60)" in said
    assert "no texts" in said


def test_the_same_content_twice_is_said_to_be_there(store: FolderStore) -> None:
    first = put(store)
    with pytest.raises(AlreadyThereError) as caught:
        put(store, draft=DRAFT._replace(title="Another title"))
    assert caught.value.entry == first.card.id
    assert titles(store) == ["My pairs"]


@pytest.mark.parametrize("title", ["../../etc/passwd", "/etc/passwd", "..", "C:\\x", "a/b", "<script>alert(1)</script>", "=1+1", "💥" * 80])
def test_no_path_comes_from_a_name(store: FolderStore, tmp_path: Path, title: str) -> None:
    card = put(store, draft=DRAFT._replace(title=title, author=title)).card
    assert store.listing().cards[0].title == title
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["store", card.id, "card.json", "data.jsonl.gz"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": " "}, "no title"),
        ({"title": "x" * 81}, "81 characters"),
        ({"title": "a\nb"}, "hidden"),
        ({"title": "a\u202eb"}, "hidden"),
        ({"author": "\ud800"}, "hidden"),
        ({"description": "x" * 501}, "501 characters"),
        ({"description": ""}, "no description"),
        ({"licence": ""}, "no licence"),
        ({"licence": "GPL"}, "not known"),
        ({"licence": "other: "}, "not known"),
    ],
)
def test_what_the_publisher_writes_is_checked(store: FolderStore, change: dict[str, str], said: str) -> None:
    with pytest.raises(CardError, match=said):
        put(store, draft=DRAFT._replace(**change))
    assert not store.listing().cards
    assert put(store, draft=DRAFT._replace(licence="other: ask me", author="")).card.licence == "other: ask me"


def test_removal_needs_the_key(store: FolderStore) -> None:
    published = put(store)
    put(store, 1)
    assert published.key not in (store.folder / published.card.id / "card.json").read_text()
    for key in ("", "x", published.card.removal_hash, published.key[:-1], "\ud800"):
        with pytest.raises(KeyRefusedError):
            store.remove(published.card.id, key)
    for name in ("../store", "nothing", "f" * 32):
        with pytest.raises(CommunityError, match="no such entry"):
            store.remove(name, published.key)
    store.remove(published.card.id, f" {published.key}\n")
    assert [card.id for card in store.listing().cards] != [published.card.id]
    assert len(store.listing().cards) == 1
    assert not [path for path in store.folder.iterdir() if path.name.startswith(".")]
    with pytest.raises(CommunityError, match="removed"):
        store.packed(published.card)
    assert put(store).card.id == published.card.id, "it may be published again"


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path, 2)
    put(store, 1)
    put(store, 2)
    with pytest.raises(CommunityError, match="2 entries, as many as it may"):
        put(store, 3)
    monkeypatch.setattr("dissection.community.content.MAX_PACKED", 100)
    with pytest.raises(CommunityError, match="MB packed"):
        put(FolderStore(tmp_path / "other", 2))
    monkeypatch.setattr("dissection.community.content.MAX_BYTES", 100)
    with pytest.raises(CommunityError, match="MB unpacked"):
        put(FolderStore(tmp_path / "other", 2))
    assert not (tmp_path / "other").exists()


def test_published_weights_are_refused(published: Path, store: FolderStore) -> None:
    with pytest.raises(DatasetError, match="no pairs"):
        publish(store, Subject(open_dataset(published)), DRAFT)
    assert not store.listing().cards


def test_texts_of_any_kind_come_back(store: FolderStore, dataset: PairDataset) -> None:
    texts = ["line\u2028end", "\x00", "=1+1", "", " blank ", "NaN", "<script>"] + [None] * 53
    pairs = dataset.pairs.assign(query=pd.Series(texts, index=dataset.pairs.index, dtype=object))
    odd = dataclasses.replace(dataset, pairs=pairs)
    card = publish(store, Subject(odd), DRAFT).card
    assert read_dataset(card, store.packed(card)).pairs["query"].tolist() == texts


def test_what_would_be_read_as_something_else_is_refused(store: FolderStore, dataset: PairDataset) -> None:
    blank = dataclasses.replace(dataset, pairs=dataset.pairs.set_axis([" ", *dataset.pairs.index[1:]]))
    with pytest.raises(CommunityError, match="read"):
        publish(store, Subject(blank), DRAFT)
    assert not store.listing().cards


def test_the_list_is_read_again_only_where_it_changed(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = put(store, 1), put(store, 2)
    store.listing()
    read: list[bytes] = []
    monkeypatch.setattr(folder_module, "parse_card", lambda written: read.append(written) or parse_card(written))
    assert len(store.listing().cards) == 2
    assert not read
    path = store.folder / first.card.id / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"title": "changed"}))
    assert titles(store) == ["My pairs", "changed"]
    assert len(read) == 1
    store.discard(second.card.id)
    assert titles(store) == ["changed"]


@pytest.mark.parametrize(
    ("where", "entries", "said"),
    [
        ("hf://models/owner/name", "", "not of a dataset"),
        ("hf://datasets/owner", "", "owner and its name"),
        ("hf://datasets/owner/name/config", "", "more than a dataset"),
        ("FILE", "", "is a file"),
        ("FOLDER", "many", "'many'"),
        ("FOLDER", "0", "'0'"),
    ],
)
def test_a_wrong_setting_is_said(tmp_path: Path, where: str, entries: str, said: str) -> None:
    (tmp_path / "file").write_text("x")
    places = {"FILE": str(tmp_path / "file"), "FOLDER": str(tmp_path / "new")}
    with pytest.raises(InputError, match=said):
        open_store(places.get(where, where), entries)
    assert open_store("") is None
    found = open_store(str(tmp_path / "new"), "7")
    assert isinstance(found, FolderStore)
    assert found.max_entries == 7
    assert not found.listing().cards
