"""The page "Annotate" without a browser: a planted annotator behind its endpoint, from the form to the data that it opens."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dissection.annotating.annotation import Annotated
from dissection.dataset import PairDataset
from dissection.native_file import native_bytes, write_native
from tests.annotator_server import PAPER, PlantedAnnotator, planted
from tests.asking_tools import KEY, laptop, press, server
from tests.chat_server import ChatServer
from tests.test_pages import Open, figures, go, open_page, run, text

__all__ = ["laptop", "open_page", "server"]  # the fixtures

N = 24


@pytest.fixture
def mind() -> PlantedAnnotator:
    return PlantedAnnotator(noise=0.2, position=0.2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    write_native(planted(N, seed=6)[0], path)
    return path


def connected(at: AppTest, server: ChatServer) -> AppTest:
    at.text_input(key="address-model").set_value(server.url)
    at.text_input(key="model-model").set_value("m")
    at.text_input(key="key-model").set_value(KEY)
    return run(at)


def words(at: AppTest) -> str:
    """What the page says, without the marks that keep markdown from being obeyed."""
    return text(at).replace("\\", "")


def stages(at: AppTest) -> Any:
    return next(pills for pills in at.pills if (pills.key or "").startswith("annotate-stages"))


def made(at: AppTest) -> Annotated:
    found = list(at.session_state["annotations"].values())[-1].annotated
    assert isinstance(found, Annotated)
    return found


def test_from_texts_alone_to_annotated_data_and_their_trust(open_page: Open, server: ChatServer, data: Path) -> None:
    at = connected(open_page("annotate", data), server)
    assert "This is an upper bound" in text(at)
    at.number_input(key="annotate-again").set_value(50)
    press(run(at), "start-annotate")
    assert set(server.answered.values()) == {1}
    said = words(at)
    assert f"{N} of {N} pairs have every annotation" in said
    assert f"basic: {N + N // 2} of {N + N // 2} calls answered" in said
    assert "This is an upper bound" not in said
    assert f"0 calls ({server.requests} more are in the journal)" in said, "what was asked is known now"
    assert at.button(key="start-annotate").label == "Show what was answered"
    press(at, "start-annotate")
    assert f"{N} of {N} pairs have every annotation" in words(at)
    press(at, "annotate-open")
    assert stages(at).value == [], "the new data have all of it"
    opened = at.session_state["data"]
    assert opened.startswith("own-")
    dataset: PairDataset = at.session_state["own_datasets"][opened]
    assert dataset.property_names == PAPER
    assert dataset.name.endswith("annotated by m")
    assert f"{N} of {N} pairs have every annotation" in words(at), "what came of it is still there"
    at.segmented_control(key="annotateview").set_value("trust")
    run(at)
    assert "Agreement of the two annotations" in [head.value for head in at.subheader]
    assert "Position effect" in [head.value for head in at.subheader]
    assert figures(at)
    for page in ("doctor", "dissect"):
        go(at, page)
    assert KEY not in text(at)


def test_a_dry_run_then_the_run_and_what_fails_is_counted(open_page: Open, server: ChatServer, data: Path) -> None:
    at = connected(open_page("annotate", data), server)
    stages(at).set_value(["basic"])
    at.number_input(key="annotate-again").set_value(0)
    press(run(at), "try-annotate")
    assert server.requests == 5
    server.faults = ["refusal", "400", "400", "400"]
    at.number_input(key="concurrency-model").set_value(1)
    press(run(at), "start-annotate")
    found = made(at)
    assert [len(stage.failures) for stage in found.stages] == [2]
    assert np.isnan(found.dataset.comparisons[:, 0]).sum() == 2
    said = words(at)
    assert "basic: 22 of 24 calls answered, 2 without a usable reply (1 refused)" in said
    assert "2 pairs: no usable reply to the question on basic properties" in said
    press(at, "go-on-annotate")
    assert [len(stage.failures) for stage in made(at).stages] == [1], "what was refused is paid for and not asked again"
    assert set(server.answered.values()) == {1}


def test_own_properties_and_scenarios(open_page: Open, server: ChatServer, mind: PlantedAnnotator, data: Path) -> None:
    at = connected(open_page("annotate", data), server)
    stages(at).set_value([])
    at.number_input(key="annotate-again").set_value(0)
    at.segmented_control(key="annotate-scenarios").set_value("own")
    run(at)
    assert "There are no scenarios" in text(at)
    at.text_area(key="annotate-scenario-list").set_value("Code: programs\nOthers: the rest")
    at.session_state["annotate-own"] = {"edited_rows": {0: {"Ask": True}}, "added_rows": [], "deleted_rows": []}
    press(run(at), "start-annotate")
    assert set(mind.seen) >= {"scenario"}
    assert {group.name for group in made(at).dataset.scenarios} == {"Others"}


def test_without_an_endpoint_it_says_what_can_be_done(open_page: Open, data: Path) -> None:
    at = open_page("annotate", data)
    said = words(at)
    assert "Without an endpoint" in said
    assert "Properties computed from the texts need none" in said
    assert "calls; about" in said
    at.segmented_control(key="annotateview").set_value("trust")
    run(at)
    assert "bring a file" in text(at)


def test_data_that_is_annotated_is_replaced_only_when_said(open_page: Open) -> None:
    at = open_page("annotate")
    assert stages(at).value == []
    assert "Nothing is to be annotated" in text(at)
    stages(at).set_value(["basic"])
    run(at)
    assert "harmless, grammatical" in text(at)
    at.toggle(key="annotate-replace").set_value(True)
    run(at)
    assert "calls; about" in text(at)


def test_a_second_annotation_from_a_file(open_page: Open, server: ChatServer, data: Path, tmp_path: Path) -> None:
    at = connected(open_page("annotate", data), server)
    press(at, "start-annotate")
    first = tmp_path / "first.jsonl"
    first.write_bytes(native_bytes(made(at).dataset, ".jsonl"))
    at = open_page("annotate", first, annotateview="trust")
    at.file_uploader(key="trust-file-file").upload("second.jsonl", first.read_bytes(), "application/jsonl")
    run(at)
    assert f"second.jsonl, {N} pairs" in words(at)
    assert "Agreement of the two annotations" in [head.value for head in at.subheader]


def test_two_annotators_of_one_session_are_compared(open_page: Open, server: ChatServer, data: Path) -> None:
    at = connected(open_page("annotate", data), server)
    source = at.selectbox(key="data").value
    for model, share in (("m", 100), ("other", 50)):
        at.selectbox(key="data").set_value(source)
        run(at)
        at.text_input(key="model-model").set_value(model)
        at.number_input(key="annotate-share").set_value(share)
        at.number_input(key="annotate-again").set_value(0)
        press(run(at), "start-annotate")
        press(at, "annotate-open")
    first = next(key for key, dataset in at.session_state["own_datasets"].items() if len(dataset) == N)
    at.selectbox(key="data").set_value(first)
    at.segmented_control(key="annotateview").set_value("trust")
    run(at)
    assert at.selectbox(key="trust-other").options == ["pairs.jsonl, annotated by other"]
    assert "Agreement of the two annotations" in [head.value for head in at.subheader]
    assert "Position effect" not in [head.value for head in at.subheader], "two annotators, one order"


def test_published_weights_have_nothing_to_annotate(open_page: Open, published: Path) -> None:
    assert "nothing to annotate" in text(open_page("annotate", published))
