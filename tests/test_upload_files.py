"""The Upload page with several files of labels at once, and with a dataset appended to the one in view."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dissection.dataset import PairDataset
from tests.test_pages import IDS, Open, add, cells, go, labels_csv, open_page, rows, run, small, text, without

__all__ = ["open_page", "small"]


def upload(at: AppTest, **files: str | bytes) -> AppTest:
    """Files by their names, whose last _ stands for the dot."""
    named = [(".".join(name.rsplit("_", 1)), data.encode() if isinstance(data, str) else data, "") for name, data in files.items()]
    at.file_uploader[0].set_value(named)
    return run(at)


def scores(ids: list[str]) -> str:
    return "pair_id,score_a,score_b\n" + "".join(f"{pair_id},{i % 3},1\n" for i, pair_id in enumerate(ids))


def lines(found: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in found)


def keys(at: AppTest) -> set[str]:
    return {str(widget.key) for kind in (at.button, at.text_input, at.radio) for widget in kind}


# --- Labels ------------------------------------------------------------------------------------------------------------------------


def test_files_are_reported_each_and_added_together(open_page: Open, small: Path) -> None:
    at = upload(
        open_page("upload", small), first_csv=labels_csv(IDS, "mine"), second_csv=labels_csv(IDS[:20], "yours"), third_csv=scores(IDS)
    )
    matched = [metric.value for metric in at.metric if metric.label == "Matched pairs"]
    assert matched == ["60", "20", "60"]
    assert all(name in text(at) for name in ("first.csv", "second.csv", "third.csv"))
    assert at.button(key="add").label == "Add 3 judges"
    add(at)
    assert "mine, yours, third" in at.success[0].value
    assert "add" not in keys(at), "the files that were added are not read again"
    assert set(cells(go(at, "dissect"))["judge"]) == {"one", "two", "mine", "yours", "third"}


def test_only_a_file_that_does_not_name_its_judge_is_asked_for_one(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), first_csv=labels_csv(IDS), second_csv=scores(IDS), third_csv=scores(IDS))
    fields = [field for field in at.text_input if str(field.key).startswith("name-")]
    assert [field.value for field in fields] == ["second", "third"]
    fields[0].set_value("reward model")
    run(at)
    assert "reward model" in text(at)
    add(at)
    assert "mine, reward model, third" in at.success[0].value


def test_a_name_that_two_files_have_is_asked_for_again(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), a_csv=labels_csv(IDS), b_csv=labels_csv(IDS[:30]), c_csv=labels_csv(IDS[:10]))
    assert [error.value.split("**")[1] for error in at.error] == ["There is already a judge named 'mine'."] * 2
    assert at.button(key="add").label == "Add mine"
    assert "Not to be added: b.csv, c.csv" in text(at)
    at.text_input(key="rename-mine-1").set_value("one")
    at.text_input(key="rename-mine-2").set_value("third")
    run(at)
    assert "named 'one'" in at.error[1].value, "which the data has"
    at.text_input(key="rename-mine-1").set_value("second")
    run(at)
    assert len(at.error) == 2
    add(at)
    assert "mine, second, third" in at.success[0].value
    assert at.session_state["own_judges"]["file"].keys() == {"mine", "second", "third"}


def test_what_1_stands_for_is_asked_of_each_file(open_page: Open, small: Path) -> None:
    def numbers(judge: str) -> str:
        return f"pair_id,{judge}\n" + "".join(f"{pair_id},{i % 2}\n" for i, pair_id in enumerate(IDS))

    at = upload(open_page("upload", small), a_csv=numbers("x"), b_csv=numbers("y"))
    assert {"meaning", "meaning-1"} <= keys(at)
    assert "add" not in keys(at)
    at.radio(key="meaning").set_value("A wins")
    at.radio(key="meaning-1").set_value("B wins (the second answer)")
    add(run(at))
    one, other = (at.session_state["own_judges"]["file"][name][:, 0] for name in "xy")
    assert (one == 1 - other).all()


def test_a_file_that_can_not_be_read_keeps_no_other_from_being_added(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), bad_csv="a,b\n1,2\n", good_csv=labels_csv(IDS), empty_csv=labels_csv(["x"], "nothing"))
    assert r"no column pair\_id" in at.error[0].value
    assert at.button(key="add").label == "Add mine"
    assert "Not to be added: nothing, bad.csv" in text(at)
    add(at)
    assert set(at.session_state["own_judges"]["file"]) == {"mine"}


def test_names_that_make_the_same_file_name_are_told_apart(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), a_csv=labels_csv(IDS, "法官"), b_csv=labels_csv(IDS, "评委"))
    assert at.button(key="add").label == "Add 2 judges"


def test_more_judges_than_a_session_holds_are_all_or_none(open_page: Open, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_JUDGES", "2")
    at = upload(open_page("upload", small), **{f"{name}_csv": labels_csv(IDS, name) for name in "xyz"})
    add(at)
    assert "These are 3 judges, and this session already holds 0" in at.error[0].value
    assert not at.session_state["own_judges"]["file"]
    assert at.button(key="add").label == "Add 3 judges", "the files are still there"


# --- Append ------------------------------------------------------------------------------------------------------------------------


def test_a_dataset_is_appended_to_the_one_in_view(open_page: Open, small: Path) -> None:
    at = add(upload(open_page("upload", small), mine_csv=labels_csv(IDS)))
    at.button_group(key="kind").set_value("dataset")
    further = [row | {"query": f"Another {i}?"} for i, row in enumerate(rows(40, judges=["two", "three"], properties=["longer", "polite"]))]
    at = upload(run(at), more_jsonl=lines(further))
    assert at.button(key="append").label == "Append to mine.jsonl"
    add(at, "append")
    assert r"mine.jsonl \+ more.jsonl" in at.success[0].value
    (found,) = at.session_state["own_datasets"].values()
    assert isinstance(found, PairDataset)
    assert len(found) == 100
    assert found.judge_names == ("one", "two", "mine", "three"), "with the visitor's own judge"
    assert found.property_names == ("polite", "longer")
    assert set(cells(go(at, "dissect"))["judge"]) == {"one", "two", "mine", "three"}


def test_the_same_pairs_are_refused_and_the_data_in_view_stays(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small, kind="dataset"), again_jsonl=lines(rows()))
    add(at, "append")
    assert "60 pairs are in both datasets" in at.error[0].value
    assert "join their labels instead" in at.error[0].value
    assert not at.session_state["own_datasets"]
    assert at.sidebar.selectbox(key="data").value == "file"


def test_two_datasets_of_the_session_are_appended(open_page: Open, small: Path) -> None:
    at = open_page("upload", small, kind="dataset")
    add(upload(at, more_jsonl=lines([row | {"pair_id": f"q{i}"} for i, row in enumerate(rows(30))])), "open")
    (key,) = at.session_state["own_datasets"]
    go(at, "upload").button_group(key="kind").set_value("dataset")
    assert f"append-{key}" not in keys(run(at)), "it is in view itself"
    at.sidebar.selectbox(key="data").set_value("file")
    add(run(at), f"append-{key}")
    assert sorted(len(dataset) for dataset in at.session_state["own_datasets"].values()) == [30, 90]


def test_published_weights_offer_no_append(open_page: Open, published: Path, small: Path) -> None:
    at = upload(open_page("upload", published, kind="dataset"), more_jsonl=lines(rows()))
    assert "open" in keys(at)
    assert "append" not in keys(at)
    weights = json.dumps({"Code": {"one": [0.1] * 29}})
    assert "append" not in keys(upload(open_page("upload", small, kind="dataset"), weights_json=weights))


def test_the_demo_beside_texts_shows_no_planted_tastes(open_page: Open) -> None:
    at = upload(open_page("upload", kind="dataset"), texts_jsonl=lines(without(rows(), "properties")))
    add(at, "append")
    (found,) = at.session_state["own_datasets"].values()
    assert all(prop.computed for prop in found.properties)
    assert "are simulated" in str(found.notes)
    assert "Simulated data" not in text(go(at, "dissect"))
