"""The page "Manipulate" in every view, without a browser."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import asking_run, behind
from dissection.endpoint import client
from dissection.figures.sway import change_hover, gains_chart, shifts_chart, together_chart
from dissection.figures.sway_sentences import REFERENCE
from dissection.sway.prompt import wish_sentences
from dissection.sway.results import template
from dissection.sway.study import Study, study
from tests.asking_tools import QUICK
from tests.chat_server import ChatServer
from tests.conftest import make_dataset
from tests.test_pages import MARKUP, SPECIALS, Open, figures, hover, open_page, rows, run, text, without, write
from tests.test_sway_evaluations import answering

__all__ = ["open_page"]  # the fixture

VIEWS = ("predicted", "prompt", "test", "exposure")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are waited for, as no browser asks again."""
    monkeypatch.setattr(behind, "WAITED_SECONDS", 80.0)


def swayed(n: int = 240, names: tuple[str, str] = ("relevant", "longer"), judge: str = "one") -> list[dict[str, Any]]:
    """A judge who likes the first property and a little less the second; two models."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(n):
        sides = rng.integers(-1, 2, 2)
        first = rng.random() < 1 / (1 + np.exp(-1.5 * sides[0] - sides[1]))
        found.append(
            {
                "pair_id": f"p{i}",
                "scenario": ("Code", "Advice")[i % 2],
                "query": f"Question {i}?",
                "response_a": f"One answer to {i}.",
                "response_b": f"Another answer to {i}.",
                "model_a": ("mine", "other")[i % 2],
                "model_b": ("other", "mine")[i % 2],
                "labels": {judge: "a" if first else "b"},
                "properties": {name: {"comparison": int(side)} for name, side in zip(names, sides, strict=True)},
            }
        )
    return found


def upload(at: AppTest, before: bytes, after: bytes, name: str = "results.csv") -> AppTest:
    for key, content in (("before", before), ("after", after)):
        at.file_uploader(key=f"sway-{key}").set_value((name, content, "text/csv"))
    return run(at)


# --- Views ------------------------------------------------------------------------------------------------------------------------


def test_predicted_gains_of_a_planted_judge(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()))
    gains, together = figures(at)
    assert gains["layout"]["yaxis"]["ticktext"] == ["relevant", "longer"]
    assert gains["data"][0]["marker"]["symbol"] == ["circle", "circle"], "both are told apart from 0"
    assert together["layout"]["yaxis"]["ticktext"] == ["relevant ↑", "+ longer ↑"]
    assert all("95 %" in words and "n = 240 pairs" in words for words in hover(gains))
    assert "one is most pleased by relevant" in text(at)
    assert "no property is told to put it off" in text(at)
    assert "Most for least, of those told apart from 0: relevant ↑" in text(at)
    assert "4 of 4 changes are told apart from 0 at a false discovery rate of 5 %" in text(at)
    headings = at.dataframe[0].proto.columns
    assert "Gain on those (points)" in headings
    assert "Holds at FDR 5 %" in headings
    assert "n = 240 pairs of 240 queries" in text(at)


def test_one_models_answers_in_one_scenario(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()), swaymodel="mine", swaygroups="Code", swaytop="1", swayfor="disliked")
    assert "mine starts at a predicted" in text(at)
    assert "n = 120 pairs of 120 queries" in text(at)
    (name,) = figures(at)[1]["layout"]["yaxis"]["ticktext"]
    assert name.endswith("↓")
    assert "The only one loses" in text(at)


def test_the_prompt_asks_for_what_is_liked_or_not(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()), swayview="prompt")
    assert wish_sentences()["relevant"]["more"] in at.code[0].value
    assert "Predicted, if the answers then have all of it: +" in text(at)
    at.segmented_control(key="swayfor").set_value("disliked")
    assert wish_sentences()["relevant"]["less"] in run(at).code[0].value


def test_two_files_beside_the_prediction(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()), swayview="test")
    assert "+0.59" in text(at)
    assert "31.94" in text(at)
    before = "id,verdict\n" + "".join(f"q{i},{'win' if i % 4 == 0 else 'loss'}\n" for i in range(80))
    after = "id,verdict\n" + "".join(f"q{i},{'loss' if i % 4 == 0 else 'win'}\n" for i in range(1, 80))
    upload(at, before.encode(), after.encode())
    assert "Both point the same way" in text(at)
    assert "n = 79 items" in text(at)
    assert "1 item is only in the file before" in text(at)
    assert figures(at)[0]["layout"]["yaxis"]["ticktext"] == ["predicted win rate", "observed win rate", "observed less predicted"]
    assert all("95 %" in words and "n = " in words for words in hover(figures(at)[0]))
    assert REFERENCE.split("(")[0] in text(at)


def test_scores_are_compared_in_direction_alone(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()), swayview="test")
    files = ["question_id,turn,score\n" + "".join(f"{i},1,{i % 5 + 1 + up}\n" for i in range(40)) for up in (0, 1)]
    upload(at, files[0].encode(), files[1].encode())
    assert "+1.00 (95 %: +1.00 to +1.00" in text(at).replace("\\", "")
    assert "only the direction is compared" in text(at)
    assert not figures(at)


def test_a_bad_file_is_told_in_its_place(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()), swayview="test")
    upload(at, b"id,verdict\nq1,win\n", b"name,points\nx,3\n")
    assert "holds no results" in text(at)
    at.file_uploader(key="sway-before").set_value(("bad.csv", b"id,verdict\nq1,good\n", "text/csv"))
    run(at)
    assert len(at.error) == 2, "each file has its own words"
    assert {uploader.key for uploader in at.file_uploader} == {"sway-before", "sway-after"}, "and the place for the other stays"
    upload(at, b"id,verdict\nq1,win\n", b"id,verdict\nq2,win\n")
    assert "No item is in both files" in text(at)


def test_without_an_endpoint_the_questions_are_shown(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()), swayview="test", swayway="ask")
    assert "Without an endpoint" in text(at)
    assert "200 calls" in text(at)
    at.number_input(key="sway-n-240").set_value(3)
    assert "12 calls" in text(run(at))


def test_a_run_with_an_endpoint_finds_the_planted_shift(open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_PRIVATE_ENDPOINTS", "1")
    monkeypatch.setenv("DISSECTION_JOURNALS", str(tmp_path / "journals"))
    monkeypatch.setattr(asking_run, "WAITED_SECONDS", 60.0)
    monkeypatch.setattr(client, "Patience", lambda *_, **__: QUICK)
    with ChatServer(answering) as server:
        path = write(tmp_path, swayed(names=("polite", "longer")))
        at = open_page("manipulate", path, swayview="test", swayway="ask")
        at.text_input(key="address-model").set_value(server.url)
        at.text_input(key="model-model").set_value("m")
        at.number_input(key="sway-n-240").set_value(12)
        run(at).button(key="start-sway").click()
        run(at)
        assert server.requests == 48, "two answers to each query, each pair judged in both orders"
        asked = [body["messages"][0]["content"] for body in server.bodies if body["messages"][0]["role"] == "system"]
        assert any(wish_sentences()["longer"]["more"] in words for words in asked)
        # σ(1.2 ± 0.4) on average, as the judge likes politeness and what it is shown first.
        assert "50.00 % before, 76.10 % after" in text(at).replace("\\", "")
        assert "Both point the same way" in text(at)
        assert "The prediction is for one" in text(at)
        run(at)
        assert server.requests == 48


def test_a_judge_of_coins_has_nothing_to_ask_for_and_files_can_be_compared(open_page: Open, tmp_path: Path) -> None:
    coins = np.random.default_rng(7).integers(2, size=120)
    path = write(tmp_path, [row | {"labels": {"coin": "ab"[coin]}} for row, coin in zip(swayed(120), coins, strict=True)])
    assert "there is nothing to put together" in text(open_page("manipulate", path))
    assert "there is nothing to ask for" in text(open_page("manipulate", path, swayview="prompt"))
    assert "there is nothing to ask for" in text(open_page("manipulate", path, swayview="test", swayway="ask"))
    at = open_page("manipulate", path, swayview="test")
    assert "no change is told apart from 0" in text(at)
    upload(at, template().to_csv(index=False).encode(), template().to_csv(index=False).encode())
    assert "Nothing is predicted to compare it with" in text(at)
    assert "3 queries: the interval may be too short" in text(at).replace("\\", "")


def test_files_stay_in_use_until_they_are_removed(open_page: Open, tmp_path: Path) -> None:
    at = open_page("manipulate", write(tmp_path, swayed()), swayview="test")
    at.session_state["sway-before-file"] = (b"id,verdict,model\nq1,win,mine\nq2,superb,mine\n", "before.csv")
    run(at)
    assert "In use: before.csv" in text(at).replace("\\", "")
    assert "1 item of mine" in text(at)
    assert "superb" in text(at), "what was left out is named"
    at.button(key="sway-before-off").click()
    assert "In use" not in text(run(at))


def test_published_weights_have_no_queries_to_ask(open_page: Open, published: Path) -> None:
    at = open_page("manipulate", published, swayview="test", swayway="ask")
    assert "there are no queries to ask" in text(at)


def test_exposure_ranks_the_demos_judges(open_page: Open) -> None:
    at = open_page("manipulate", swayview="exposure")
    (figure,) = figures(at)
    assert len(figure["layout"]["yaxis"]["ticktext"]) == 14
    assert all("95 %" in words and "n = " in words for words in hover(figure))
    assert "14 of 14 are told apart from 0" in text(at)


# --- Other data -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
def test_published_weights_say_what_they_can_not(open_page: Open, published: Path, view: str) -> None:
    at = open_page("manipulate", published, swayview=view)
    words = text(at)
    assert (
        "No intervals" if view == "exposure" else "no win rate is predicted" if view in ("predicted", "prompt") else "By weight"
    ) in words


@pytest.mark.parametrize("name", ["llmbar", "haluquestqa"])
def test_real_data_by_their_texts(open_page: Open, shared: Path, name: str) -> None:
    at = open_page("manipulate", shared / f"{name}.jsonl")
    assert len(figures(at)) == 2
    assert "n = " in text(at)
    assert figures(open_page("manipulate", shared / f"{name}.jsonl", swayview="exposure"))


def test_properties_of_no_family_are_counted_as_style(open_page: Open, tmp_path: Path) -> None:
    path = write(tmp_path, without(swayed(names=("mine", "yours")), "response_a", "response_b"))
    at = open_page("manipulate", path, swayview="exposure")
    assert "No property is of the family style" in text(at)
    at.multiselect(key="as-style").set_value(["mine"])
    assert "Most exposed: one" in text(run(at))


def test_names_are_text(open_page: Open, tmp_path: Path) -> None:
    path = write(tmp_path, swayed(names=(MARKUP, SPECIALS), judge=MARKUP + SPECIALS))
    for view in VIEWS:
        at = open_page("manipulate", path, swayview=view)
        assert MARKUP not in text(at)
        assert MARKUP not in json.dumps(figures(at))


@pytest.mark.parametrize("view", VIEWS)
def test_data_that_can_tell_nothing(open_page: Open, tmp_path: Path, view: str) -> None:
    bare = without(rows(8), "labels")
    assert "no judge yet" in text(open_page("manipulate", write(tmp_path, bare, "bare.jsonl"), swayview=view))
    few = write(tmp_path, rows(4, scenarios=("Code",)), "few.jsonl")
    assert not open_page("manipulate", few, swayview=view).exception


# --- Figures as data --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> Study:
    return study(make_dataset(400, 3, {"one": [1.0, -0.8, 0.0]}), "one", top=2)


def test_figures_show_the_numbers_of_their_tables(found: Study) -> None:
    table = found.singles.table
    figure = gains_chart(table)
    assert list(figure.layout.yaxis.ticktext) == ["p0", "p1", "p2"]
    more, less = figure.data
    assert list(more.x) == table["gain"].iloc[[0, 2, 4]].tolist()
    assert list(less.x) == table["gain"].iloc[[1, 3, 5]].tolist()
    assert [symbol.endswith("open") for symbol in more.marker.symbol] == [not sure for sure in table["discovery"].iloc[::2]]
    gains = found.together["liked"]
    assert gains is not None
    bars = together_chart(gains.table, found.changes["liked"], 50.0)
    assert list(bars.data[1].x) == gains.table["rate"].tolist()
    assert list(bars.layout.yaxis.ticktext) == ["p0 ↑", "+ p1 ↓"]


def test_a_change_without_pairs_says_so(found: Study) -> None:
    record = {**found.singles.table.iloc[0].to_dict(), "each": float("nan"), "changed": 0.0, "decided": False}
    assert "changes no pair" in change_hover(record)
    assert change_hover({**record, "decided": False, "discovery": False}).count("not told apart from 0<br>") == 1
    assert "not told apart from 0, as one of many" in change_hover({**record, "decided": True, "discovery": False})


def test_shifts_in_other_units_stay_out_of_the_chart() -> None:
    table = pd.DataFrame(
        [("a", 1.0, 0.0, 2.0, 9, "percentage points"), ("b", 5.0, 4.0, 6.0, 9, "points of the score")],
        columns=["what", "value", "low", "high", "n", "unit"],
    )
    assert list(shifts_chart(table).data[0].x) == [1.0]
