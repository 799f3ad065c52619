"""The page "Annotate" used for longer: annotated twice, own properties over views and pages, and a second annotation from a file."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dissection.native_file import native_bytes
from tests.annotator_server import PlantedAnnotator, planted
from tests.asking_tools import laptop, press, server
from tests.chat_server import ChatServer
from tests.test_annotate_page import N, connected, data, made, mind, stages, words
from tests.test_pages import Open, go, open_page, run, text, write

__all__ = ["data", "laptop", "mind", "open_page", "server"]  # the fixtures

NAMES = ("*b* [l](u) $x$", "{query}", "=1+1")


def own(at: AppTest, *rows: tuple[str, str]) -> AppTest:
    """Lines added to the table of one's own properties."""
    added = [{"Ask": True, "Name": name, "Holds of an answer that …": meaning, "Family": "other"} for name, meaning in rows]
    at.session_state["annotate-own"] = {"edited_rows": {}, "added_rows": added, "deleted_rows": []}
    return run(at)


def view(at: AppTest, name: str) -> AppTest:
    at.segmented_control(key="annotateview").set_value(name)
    return run(at)


def estimate(at: AppTest) -> str:
    return next(line for line in words(at).splitlines() if "calls; about" in line)


def test_annotated_data_are_annotated_further_and_both_can_be_trusted(open_page: Open, server: ChatServer, data: Path) -> None:
    at = connected(open_page("annotate", data), server)
    stages(at).set_value(["basic"])
    at.number_input(key="annotate-again").set_value(50)
    press(run(at), "start-annotate")
    press(at, "annotate-open")
    first = at.session_state["data"]
    stages(at).set_value([])
    own(at, *((name, "Has it.") for name in NAMES))
    at.number_input(key="annotate-again").set_value(0)
    press(run(at), "start-annotate")
    said = words(at)
    assert said.count(f"{N} of {N} pairs have every annotation") == 2, "of the data in view, and of what was asked now"
    press(at, "annotate-open")
    assert made(at).dataset.property_names[-4:] == ("longer", *NAMES)
    for page in ("doctor", "annotate"):
        go(at, page)
    at.selectbox(key="data").set_value(first)
    press(run(at), "annotate-trust-opened")
    assert at.session_state["data"] == first
    assert f"n = {N // 2} pairs annotated twice" in words(at), "the second annotation of the first data is still there"


def test_own_properties_stay_over_views_and_pages(open_page: Open, data: Path) -> None:
    at = own(open_page("annotate", data), ("kind", "Is kind."))
    asked = estimate(at)
    view(at, "trust")
    assert estimate(view(at, "ask")) == asked
    go(at, "doctor")
    assert estimate(go(at, "annotate")) == asked
    # A table that begins with the edited one can be edited again.
    assert int(estimate(own(at, ("fair", "Is fair."))).split()[0]) == int(asked.split()[0])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("Polite", "Says please."), "already stands for the property “polite”"),
        (("", "Says please."), "The name of a property is ''"),
        (("kind", ""), "The sentence of a property is ''"),
        (('say "x"', "Says x."), "without quotes"),
    ],
)
def test_own_properties_that_can_not_be_are_said(open_page: Open, data: Path, row: tuple[str, str], said: str) -> None:
    at = own(open_page("annotate", data), row)
    assert said in words(at)
    assert "calls; about" not in words(at)


def test_notes_of_the_data_can_be_replaced(open_page: Open, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"pair_id": f"p{i}", "query": f"q{i}", "response_a": "yes", "response_b": "no", "meta": {"errors_a": "mine"}} for i in range(4)
    ]
    at = open_page("annotate", write(tmp_path, rows))
    assert "meta.errors_a already" in words(at)
    at.toggle(key="annotate-replace").set_value(True)
    assert "calls; about" in words(run(at))


def test_scenarios_of_ones_own_say_that_each_query_goes_into_one(open_page: Open, data: Path) -> None:
    at = open_page("annotate", data)
    at.segmented_control(key="annotate-scenarios").set_value("own")
    run(at)
    at.text_area(key="annotate-scenario-list").set_value("Code: programs\nPoems: verses")
    assert "Without an “Other” for the rest, it goes into one that does not fit" in words(run(at))
    at.text_area(key="annotate-scenario-list").set_value("")
    assert "There are no scenarios" in words(run(at))
    at.number_input(key="annotate-share")  # the other fields stay
    at.text_area(key="annotate-scenario-list").set_value("All pairs: programs\nPoems: verses")
    assert "can't be called 'All pairs'" in words(run(at))


def test_a_second_annotation_by_people_is_a_table_and_belongs_to_its_data(open_page: Open, tmp_path: Path) -> None:
    rows = "\n".join(f"p{i + 1},{i % 3 - 1},0" for i in range(N))
    first = write(tmp_path, [{"pair_id": f"p{i + 1}", "properties": {"polite": {"comparison": i % 3 - 1}}} for i in range(N)])
    at = open_page("annotate", first, annotateview="trust")
    assert "bring a file" in text(at)
    table = f"pair_id,property.polite,property.funny\n{rows}".encode()
    at.file_uploader(key="trust-file-file").upload("people.csv", table, "text/csv")
    assert f"people.csv, {N} pairs" in words(run(at))
    assert f"n = {N} pairs annotated twice" in words(at)
    go(at, "doctor")
    assert f"people.csv, {N} pairs" in words(go(at, "annotate")), "it stays for the session"
    at.selectbox(key="data").set_value("demo")
    run(at)
    assert "people.csv" not in words(at), "and is of these data alone"
    at.file_uploader(key="trust-file-demo").upload("other.jsonl", native_bytes(planted(3)[0], ".jsonl"), "application/jsonl")
    assert "other.jsonl" in words(run(at))
    at.file_uploader(key="trust-file-demo").set_value([])
    assert "other.jsonl" not in words(run(at)), "who takes the file away has none"
    assert "bring a file" in text(at)
    at.selectbox(key="data").set_value("file")
    assert f"people.csv, {N} pairs" in words(run(at))


def test_a_second_annotation_that_is_none_is_said(open_page: Open, tmp_path: Path) -> None:
    first = write(
        tmp_path, [{"pair_id": f"p{i}", "response_a": "x", "response_b": f"y{i}", "properties": {"p": {"a": i, "b": 1}}} for i in range(9)]
    )
    at = open_page("annotate", first, annotateview="trust")
    at.file_uploader(key="trust-file-file").upload("bad.csv", b"a,b\n1,2", "text/csv")
    run(at)
    assert "bad.csv" in words(at)
    exchanged = b"".join(
        b'{"pair_id": "p%d", "response_a": "y%d", "response_b": "x", "properties": {"p": {"a": 1, "b": %d}}}\n' % (i, i, i)
        for i in range(9)
    )
    at.file_uploader(key="trust-file-file").upload("turned.jsonl", exchanged, "application/jsonl")
    assert "has A and B exchanged" in words(run(at))


def test_the_dry_run_goes_through_all_stages_and_the_run_does_not_ask_again(
    open_page: Open, server: ChatServer, mind: PlantedAnnotator, data: Path
) -> None:
    at = connected(open_page("annotate", data), server)
    at.toggle(key="annotate-reference").set_value(True)
    run(at)
    assert at.button(key="try-annotate").label == "Dry run on the first five (at least 15 calls)"
    press(at, "try-annotate")
    assert dict(mind.seen) == {"check": 5, "reference": 5, "basic": 5, "errors": 5, "specific": mind.seen["specific"]}
    shown = [expander.label.replace("\\", "") for expander in at.expander]
    for stage, prompt in (("specific", "specific-1"), ("errors", "errors-reference-1"), ("reference", "reference-1")):
        assert any(label.startswith(f"{stage} of pair p1") and label.endswith(f"({prompt})") for label in shown), stage
    said = "\n".join(code.value for code in at.code)
    assert "the right answer" in said, "the reference, as a reply and in the prompt that follows from it"
    press(at, "start-annotate")
    assert set(server.answered.values()) == {1}
    assert f"{N} of {N} pairs have every annotation" in words(at)
