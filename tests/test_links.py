"""Links to data and judges that this session does not have: said, waited for, found in the community."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dissection.community.content import identity
from dissection.community.folder import FolderStore
from dissection.readers import open_dataset
from tests.test_community_page import mine, own, put, store
from tests.test_pages import MARKUP, Open, add, go, labels_csv, open_page, rows, run, upload, write

__all__ = ["open_page", "store"]  # the fixtures

IDS = [f"p{i:03}" for i in range(60)]


@pytest.fixture
def link(open_page: Open) -> dict[str, str]:
    """The address of someone's view of their own data."""
    key = own(open_page).sidebar.selectbox(key="data").value
    return {"data": str(key), "group": "Advice", "sort": "name", "b": "0.5"}


def warnings(at: AppTest) -> str:
    return "\n".join(warning.value for warning in at.warning)


def test_what_is_missing_is_said_on_every_page_until_it_is_there(open_page: Open, link: dict[str, str]) -> None:
    at = open_page("dissect", **link)
    assert link["data"] in warnings(at).replace("\\", "")
    assert "Demo" in warnings(at)
    assert at.sidebar.selectbox(key="data").value == "demo"
    go(at, "upload").button_group(key="kind").set_value("dataset")
    assert link["data"] in warnings(run(at)).replace("\\", "")
    add(upload(at, mine(), "downloaded (1).jsonl"), "open")
    assert not at.warning
    assert at.title[0].value == "Dissect", "the page of the link"
    assert at.sidebar.selectbox(key="data").value == link["data"], "the same file under another name is the same data"
    assert at.selectbox(key="group").value == "Advice"
    assert at.button_group(key="sort").value == "name"
    assert at.sidebar.select_slider(key="b").value == 0.5
    assert not go(at, "upload").success, "what was added is not said once more, later"


def test_other_data_do_not_stand_in_for_it(open_page: Open, link: dict[str, str]) -> None:
    at = open_page("upload", kind="dataset", data=link["data"])
    add(upload(at, mine(judges=["someone else"]), "brought.jsonl"), "open")
    assert link["data"] in warnings(at).replace("\\", "")
    at.button(key="link-drop").click()
    assert not run(at).warning
    assert not go(at, "dissect").warning


def test_own_data_that_were_removed_are_not_asked_for(open_page: Open) -> None:
    at = go(own(open_page), "upload")
    at.button_group(key="kind").set_value("dataset")
    run(at)
    at.button(key=f"remove-{at.sidebar.selectbox(key='data').value}").click()
    assert not run(at).warning


@pytest.mark.parametrize("data", ["file", "own-xyz", "own-../../x", MARKUP, "own-" + "a" * 5000])
def test_nonsense_is_not_waited_for(open_page: Open, data: str) -> None:
    at = open_page("dissect", data=data)
    assert "this server does not have" in warnings(at)
    assert MARKUP not in warnings(at)
    assert not run(at).warning


def test_published_data_are_opened(open_page: Open, store: FolderStore, tmp_path: Path, link: dict[str, str]) -> None:
    card = put(store, tmp_path).card
    assert card.source.identity == identity(open_dataset(write(tmp_path, rows())))
    at = open_page("dissect", **link)
    assert not at.warning
    assert at.sidebar.selectbox(key="data").value == link["data"]
    assert at.selectbox(key="group").value == "Advice"
    assert "Pairs (community)" in at.sidebar.selectbox(key="data").options


def test_published_data_that_are_broken_are_said(open_page: Open, store: FolderStore, tmp_path: Path, link: dict[str, str]) -> None:
    card = put(store, tmp_path).card
    (store.folder / card.id / "data.jsonl.gz").write_bytes(b"x")
    at = open_page("dissect", **link)
    assert "not those that were published" in at.error[0].value
    assert link["data"] in warnings(at).replace("\\", "")


@pytest.mark.parametrize(
    ("page", "query"), [("pairs", {"judge": "mine"}), ("overview", {"judge": "mine"}), ("dissect", {"judges": "mine"})]
)
def test_a_judge_that_is_missing_is_named_and_waited_for(open_page: Open, tmp_path: Path, page: str, query: dict[str, str]) -> None:
    file = write(tmp_path, rows())
    at = open_page(page, file, **query)
    assert "“mine”" in warnings(at)
    assert "“mine”" in warnings(run(at)), "also at the next run"
    add(upload(go(at, "upload"), labels_csv(IDS)))
    go(at, page)
    assert not at.warning
    if "judge" in query:
        assert at.selectbox(key="judge").value == "mine"
    else:
        assert at.multiselect(key="judges").value == ["mine"]


def test_choosing_another_judge_ends_the_wait(open_page: Open, tmp_path: Path) -> None:
    at = open_page("pairs", write(tmp_path, rows()), judge="mine")
    at.selectbox(key="judge").set_value("two")
    assert not run(at).warning
    assert at.selectbox(key="judge").value == "two"


def test_some_judges_are_there_and_some_are_not(open_page: Open, tmp_path: Path) -> None:
    at = open_page("dissect", write(tmp_path, rows()))
    at.query_params["judges"] = ["one", "mine", MARKUP]
    run(at)
    assert "2 judges that are not in this data" in warnings(at)
    assert MARKUP not in warnings(at)
    assert at.multiselect(key="judges").value == ["one"]


def test_published_labels_of_that_name_are_pointed_to(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    put(store, tmp_path, "three", judges=["three"], title="Labels")
    at = open_page("pairs", write(tmp_path, rows()), judge="three")
    assert "“three”" in warnings(at)
    assert [link for link in at.get("page_link") if "community" in link.proto.label]  # type: ignore[attr-defined]
    assert not [link for link in open_page("pairs", judge="three").get("page_link") if "community" in link.proto.label], "other pairs"  # type: ignore[attr-defined]
