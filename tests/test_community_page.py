"""The Community page as visitors use it: off, empty, publishing, finding, opening, adding, removing, and hostile entries."""

import json
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from streamlit.testing.v1 import AppTest

from dissection.community.card import Draft
from dissection.community.content import Subject
from dissection.community.folder import FolderStore
from dissection.community.publishing import Published, publish
from dissection.dashboard.publish_form import MOST_PUBLISHED
from dissection.readers import open_dataset
from tests.test_pages import MARKUP, SPECIALS, Open, add, go, labels_csv, open_page, options, rows, run, text, upload, write

__all__ = ["open_page"]  # the fixture


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    """The community of the server that the pages run on."""
    monkeypatch.setenv("DISSECTION_STORE", str(tmp_path / "store"))
    return FolderStore(tmp_path / "store", 100)


def mine(**options: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows(**options)).encode()


def own(open_page: Open, name: str = "brought.jsonl", **options: Any) -> AppTest:
    """The Community page of a visitor who has just opened a dataset of their own."""
    return go(add(upload(open_page("upload", kind="dataset"), mine(**options), name), "open"), "community")


def put(store: FolderStore, tmp_path: Path, judge: str | None = None, title: str = "Pairs", **options: Any) -> Published:
    dataset = open_dataset(write(tmp_path, rows(**options), "published.jsonl"))
    return publish(store, Subject(dataset, judge), Draft(title, f"About {title}.", "CC0-1.0", "Someone"))


def fill(at: AppTest, title: str = "My pairs", licence: str = "MIT") -> AppTest:
    """Everything but the consent."""
    widgets = {widget.label: widget for widget in (*at.text_input, *at.text_area, *at.selectbox)}
    widgets["Title"].set_value(title)
    widgets["Description"].set_value("What they are.")
    widgets["Licence"].set_value(licence)
    return run(at)


def agree(at: AppTest) -> AppTest:
    (box,) = at.checkbox
    box.check()
    return run(at)


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click()
    return run(at)


def keys(at: AppTest) -> set[str]:
    return {str(button.key) for button in at.button}


def test_it_is_off_where_no_store_is_set(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISSECTION_STORE", raising=False)
    at = own(open_page)
    assert "off on this server" in at.info[0].value
    assert "DISSECTION_STORE" in at.info[0].value
    assert "publish" not in keys(at)


def test_a_wrong_setting_is_said_on_the_page_alone(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_STORE", "hf://datasets/x")
    assert "DISSECTION_STORE" in open_page("community").error[0].value.replace("\\", "")
    assert not open_page("dissect").error


def test_a_hub_that_can_not_be_reached(open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISSECTION_STORE", "hf://datasets/owner/far-away")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecretsecret")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    at = own(open_page)
    assert "The list may not be whole. The Hub can't be reached" in at.warning[0].value.replace("\\", "")
    assert "No entry is known here." in text(at)
    press(agree(fill(at)), "publish")
    assert "Nothing was published: The Hub can't be reached" in at.error[0].value.replace("\\", "")
    assert at.text_input[0].value == "My pairs", "what was written stays"
    assert "hf_secret" not in text(at)


def test_an_empty_community(open_page: Open, store: FolderStore) -> None:
    at = open_page("community")
    assert "Nothing has been published" in text(at)
    assert "Nothing in view is yours" in text(at)
    assert "publish" not in keys(at)
    assert not store.folder.exists(), "looking makes nothing"


def test_publishing_a_dataset_and_removing_it(open_page: Open, store: FolderStore) -> None:
    at = own(open_page)
    said = text(at)
    assert "60 pairs with id, 2 scenarios" in said
    assert "one (60); two (60)" in said.replace("\\", "")
    assert '"pair_id": "p000"' in at.code[0].value
    assert "all pairs with their texts" in at.checkbox[0].label
    for missing in ("a title", "a description", "a licence", "your consent"):
        assert missing in text(at)
    assert at.button(key="publish").disabled
    fill(at)
    assert "Before it can be published: your consent." in text(at)
    assert at.button(key="publish").disabled
    assert not store.listing().cards, "nothing is published unasked"
    press(agree(at), "publish")
    (card,) = store.listing().cards
    assert (card.title, card.licence, card.author, card.consent, card.source.pairs) == ("My pairs", "MIT", "", 1, 60)
    key = at.code[0].value
    assert "removal key" in at.success[0].value
    press(at, "published-kept")
    assert key not in [code.value for code in at.code]
    assert at.text_input[1].value == "", "the form is empty again"
    at.selectbox(key="entry").set_value(card.id)
    run(at)
    at.text_input(key=f"removal-{card.id}").set_value("not the key")
    press(run(at), "community-remove")
    assert "not the removal key" in at.error[0].value
    at.text_input(key=f"removal-{card.id}").set_value(key)
    press(run(at), "community-remove")
    assert "has been removed" in at.success[0].value
    assert not store.listing().cards


def test_consent_is_to_this_subject_and_licence(open_page: Open, store: FolderStore) -> None:
    at = agree(fill(own(open_page)))
    assert not at.button(key="publish").disabled
    fill(at, licence="CC-BY-4.0")
    assert at.button(key="publish").disabled
    assert not at.checkbox[0].value
    fill(agree(at), licence="another one")
    assert "a licence" in text(at)
    next(widget for widget in at.text_input if widget.label == "Its name").set_value("ask me")
    press(agree(run(at)), "publish")
    assert store.listing().cards[0].licence == "other: ask me"


def test_twice_the_same_is_said(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    published = put(store, tmp_path)
    at = own(open_page)
    press(agree(fill(at)), "publish")
    assert "already in the community" in at.error[0].value
    assert store.listing().cards == (published.card,)
    assert at.text_input[1].value == "My pairs", "what was written stays"


def test_publishing_a_judge_and_adding_it_elsewhere(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    file = write(tmp_path, rows())
    at = add(upload(open_page("upload", file), labels_csv([f"p{i:03}" for i in range(60)], SPECIALS)))
    go(at, "community")
    assert list(at.selectbox(key="publish-what-0").options) == [f"The labels of {SPECIALS} on mine.jsonl"], "not others' data"
    press(agree(fill(at, "Labels")), "publish")
    (card,) = store.listing().cards
    assert card.kind == "labels"
    friend = open_page("community", write(tmp_path, rows(judges=["other"]), "same pairs, other judges.jsonl"), entry=card.id)
    press(friend, "community-add")
    assert "verdicts on 60 of 60 pairs" in friend.success[0].value
    press(friend, "community-add")
    assert "already a judge" in friend.error[0].value
    friend.text_input(key=f"name-{card.id}").set_value("again")
    press(run(friend), "community-add")
    assert {f"{SPECIALS} (yours)", "again (yours)"} <= set(options(go(friend, "overview"), "judge"))


def test_labels_of_other_data_say_whose_they_are(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    labels = put(store, tmp_path, "one", "Labels")
    at = open_page("community", entry=labels.card.id)
    assert "belong to published.jsonl (60 pairs)" in at.info[0].value.replace("\\", "")
    assert "not in the community either" in text(at)
    assert not {"community-add", "community-source", "community-look"} & keys(at)
    put(store, tmp_path, judges=["three"], title="The pairs")
    press(run(at), "community-source")
    assert at.sidebar.selectbox(key="data").value.startswith("own-")
    press(at, "community-add")
    assert set(options(go(at, "overview"), "judge")) == {"three", "one (yours)"}
    at.sidebar.selectbox(key="data").set_value("demo")
    go(run(at), "community")
    press(at, "community-look")
    assert "community-add" in keys(at)


def test_opening_a_dataset(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    card = put(store, tmp_path, judges=["three", "four"]).card
    at = press(open_page("community", entry=card.id), "community-open")
    assert "is the data in view" in at.success[0].value
    assert at.sidebar.selectbox(key="data").value == f"own-{card.source.identity[:8]}"
    assert "Pairs (community)" in at.sidebar.selectbox(key="data").options
    assert "Nothing in view is yours" in text(at), "what others published is not offered again"
    assert set(options(go(at, "overview"), "judge")) == {"three", "four"}


def test_searching_and_the_table(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    for n, title in ((10, "Poems"), (20, "Code")):
        put(store, tmp_path, n=n, title=title)
    (store.folder / "notes.txt").write_text("x")
    at = open_page("community")
    table = at.dataframe[0].value
    assert set(table["Title"]) == {"Poems", "Code"}
    assert dict(zip(table["Title"], table["Pairs"], strict=True)) == {"Poems": 10, "Code": 20}
    assert set(table["Judges"]) == {2}
    assert "1 file or folder is no entry" in text(at)
    at.text_input(key="find").set_value("poems about")
    assert list(run(at).dataframe[0].value["Title"]) == ["Poems"]
    at.text_input(key="find").set_value("nothing like it")
    assert "0 of 2 entries" in text(run(at))


@pytest.mark.parametrize("title", [MARKUP, SPECIALS, "![x](https://example.org/x.png)", ":material/home: $x$"])
def test_markdown_of_publishers_is_not_obeyed(open_page: Open, store: FolderStore, tmp_path: Path, title: str) -> None:
    card = put(store, tmp_path, title=title, judges=[MARKUP, SPECIALS]).card
    at = press(open_page("community", entry=card.id), "community-open")
    for kind in ("subheader", "caption", "markdown", "info", "warning", "success", "error"):
        for element in getattr(at, kind):
            for hostile in (MARKUP, "[x](", ":material/home: $x$"):
                assert hostile not in element.value, (kind, element.value)


def test_broken_data_are_refused_and_the_view_stays(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    card = put(store, tmp_path).card
    (store.folder / card.id / "data.jsonl.gz").write_bytes(b"\x80\x04 pickle")
    at = press(open_page("community", entry=card.id), "community-open")
    assert "not those that were published" in at.error[0].value
    assert at.sidebar.selectbox(key="data").value == "demo"
    store.discard(card.id)
    assert "Nothing has been published" in text(run(at))


def test_publishing_is_bounded(open_page: Open, store: FolderStore) -> None:
    at = own(open_page)
    at.session_state["publishes"] = MOST_PUBLISHED
    assert f"published {MOST_PUBLISHED} entries" in text(run(at))
    assert "publish" not in keys(at)
    assert not store.listing().cards
