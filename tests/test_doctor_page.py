"""The page "Doctor" in its states, without a browser."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.test_pages import IDS, MARKUP, SPECIALS, Open, add, labels_csv, open_page, rows, run, text, upload, write

__all__ = ["open_page"]  # the fixture


def links(at: AppTest) -> list[dict[str, str]]:
    """Label, page and query of every link on the page."""
    found = [element.proto for element in at.get("page_link")]  # type: ignore[attr-defined]
    return [{"label": link.label, "page": link.page, "query": link.query_string} for link in found]


def test_real_data_is_explained_with_counts_and_remedies(open_page: Open, shared: Path) -> None:
    at = open_page("doctor", shared / "pandalm.jsonl")
    words = text(at)
    assert "54 pairs have an empty answer" in words
    assert "54 pairs · 5.4 %" in words
    assert "take these pairs out" in words
    assert "25 verdicts of 5,994 are missing" in words
    assert "Can be done" in words
    titles = "\n".join(element.value for element in at.markdown if "-badge[" in element.value)
    assert titles.index("repeat an earlier pair") < titles.index("empty answer") < titles.index("are ties"), "problems first, facts last"


def test_examples_lead_to_their_pairs(open_page: Open, shared: Path) -> None:
    at = open_page("doctor", shared / "pandalm.jsonl")
    assert not [link for link in links(at) if "pair=" in link["query"]], "what is folded is not made"
    at.session_state["examples-empty-answers"] = True
    found = [link for link in links(run(at)) if "pair=" in link["query"]]
    assert [link["query"].split("pair=")[1] for link in found] == ["18", "19", "25", "301", "303"]
    assert all(link["page"] == "pairs" and "data=file" in link["query"] for link in found)
    at.session_state["examples-missing-labels"] = True
    assert any("judge=gpt-3.5-turbo" in link["query"] for link in links(run(at)))


def test_every_example_can_be_unfolded(open_page: Open, shared: Path) -> None:
    at = open_page("doctor", shared / "llmbar.jsonl")
    for code in ("missing-labels", "order-flips", "length-wins", "property-seldom-differs", "small-groups", "ties"):
        at.session_state[f"examples-{code}"] = True
    assert len([link for link in links(run(at)) if "pair=" in link["query"]]) > 20


def test_findings_can_be_downloaded(open_page: Open, shared: Path) -> None:
    at = open_page("doctor", shared / "pandalm.jsonl")
    table = at.dataframe[0].value
    assert table.loc[table["code"] == "empty-answers", "count"].item() == 54
    assert any(button.proto.label == "Download CSV" for button in at.get("download_button"))  # type: ignore[attr-defined]


def test_published_weights_in_plain_words(open_page: Open, published: Path) -> None:
    at = open_page("doctor", published)
    assert "published weights" in at.info[0].value
    assert "33 judges" in text(at)
    assert not at.dataframe


def test_a_file_without_judges_says_what_to_add(open_page: Open, tmp_path: Path) -> None:
    found = rows()
    for row in found:
        row.pop("labels")
    at = open_page("doctor", write(tmp_path, found))
    assert "add a judge's labels" in text(at).replace("\\", "")


def test_an_upload_leads_to_the_doctor(open_page: Open, tmp_path: Path) -> None:
    at = open_page("upload", write(tmp_path, rows()))
    assert "doctor" not in [link["page"] for link in links(at)]
    at = add(upload(at, labels_csv(IDS)))
    assert "doctor" in [link["page"] for link in links(at)]


@pytest.mark.parametrize("name", [MARKUP, SPECIALS, ":red[x] :material/close:"])
def test_names_and_texts_are_not_obeyed(open_page: Open, tmp_path: Path, name: str) -> None:
    found = rows(n=40, judges=[name, "other"], properties=[name, "idle"], scenarios=[name])
    for row in found:
        row["pair_id"] = f"{name} {row['pair_id']}"
        row["query"] = name
        row["labels"][name] = "a"
        row["properties"]["idle"] = {"comparison": 0}
        row["response_b"] = row["response_a"] = name
    at = open_page("doctor", write(tmp_path, found))
    codes = list(at.dataframe[0].value["code"])
    assert {"one-sided-judges", "identical-answers", "frequent-query", "small-groups", "property-never-differs"} <= set(codes)
    for code in codes:
        at.session_state[f"examples-{code}"] = True
    run(at)
    assert name not in text(at)
    assert not [link for link in links(at) if name in link["label"]]
    assert name in json.dumps(at.dataframe[0].value["finding"].tolist(), ensure_ascii=False), "the table shows it as it is"
