"""The page "Judges" in every view, without a browser: what is asked of a planted judge through it is found again."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import served
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.settings import JUDGES
from tests.asking_tools import BIAS, TASTE, laptop, marked, marked_file, mind, press, server
from tests.chat_server import Body, ChatServer, PlantedGrader, PlantedJudge, draw
from tests.test_pages import MADE_UP, MARKUP, SPECIALS, Open, figures, go, hover, open_page, rows, run, text, write

__all__ = ["laptop", "mind", "open_page", "server"]  # the fixtures

VIEWS = ("verdicts", "scores", "online")


def connect(at: AppTest, server: ChatServer, model: str = "m") -> AppTest:
    at.text_input(key="address-model").set_value(server.url)
    at.text_input(key="model-model").set_value(model)
    at.number_input(key="concurrency-model").set_value(16)
    return run(at)


def said(at: AppTest) -> str:
    return text(at).replace("\\", "")


def instruct(at: AppTest, *lines: tuple[str, str]) -> None:
    """Tick these lines alone; a table can't be edited without a browser, but its edits are in the session."""
    at.session_state["judge-instructions"] = {
        "edited_rows": {0: {"Ask": False}},
        "added_rows": [{"Ask": True, "Name": name, "Instruction": words} for name, words in lines],
        "deleted_rows": [],
    }


def inside(at: AppTest, judge: str) -> None:
    """The planted taste and position bias are in the 95 % intervals of what was asked through the page."""
    dataset = at.session_state["current"][1]
    posterior = next(cell for cell in fit(dataset, groups=["All"]) if cell.judge == judge)
    truth = list(TASTE.values())
    within = [low <= value <= high for low, value, high in zip(posterior.low, truth, posterior.high, strict=True)]
    assert all(within), (posterior.low, truth, posterior.high)
    bias = posterior.position_bias
    assert bias is not None
    assert bias.low <= BIAS <= bias.high


def test_planted_taste_and_bias_come_through_the_page(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = PlantedJudge(TASTE, BIAS, sampled=True)
    at = connect(open_page("judges", marked_file(tmp_path, 400)), server)
    at.button_group(key="verdict-way").set_value("text")
    press(run(at), "start-judges")
    assert "**m**: 800 verdicts of 800 asked" in said(at)
    assert "of 400 pairs asked twice" in said(at)
    press(at, "judges-add")
    assert "On every page of this session now: m" in said(at)
    inside(at, "m")
    assert set(server.answered.values()) == {1}


def test_soft_verdicts_and_agreement_in_both_orders(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    at = press(connect(open_page("judges", marked_file(tmp_path, 30)), server), "start-judges")
    assert "60 verdicts of 60 asked, 60 of them from log-probabilities" in said(at)
    assert "% (95 %:" in said(at)
    table = next(frame.value for frame in at.dataframe if "same_low" in frame.value)
    odds = marked(30).comparisons @ np.array(list(TASTE.values()))
    assert table["same"][0] == pytest.approx(100 * (np.abs(odds) > BIAS).mean(), abs=0.01)
    first = np.mean([1 / (1 + np.exp(-(side * odds + BIAS))) for side in (1, -1)])
    assert table["first"][0] == pytest.approx(100 * first, abs=0.01)
    assert table["first_low"][0] <= 100 * first <= table["first_high"][0]
    press(at, "judges-add")
    press(at, "start-judges")
    assert server.requests == 60, "the journal does not mind that the data have one judge more"


def test_several_instructions_are_several_judges(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    def mind(body: Body) -> str | dict[str, float]:
        likes = 1.0 if "Like politeness" in body["messages"][0]["content"] else -1.0
        return dict(PlantedJudge({"p0": likes})(body))  # type: ignore[arg-type]

    server.mind = mind
    at = connect(open_page("judges", marked_file(tmp_path, 20)), server)
    instruct(at, ("polite", "Like politeness."), ("rude", "Like rudeness."))
    run(at)
    assert "They become the judges m/polite, m/rude" in said(at)
    press(at, "start-judges")
    assert server.requests == 80
    press(at, "judges-add")
    links = [link.proto for link in at.get("page_link")]  # type: ignore[attr-defined]
    assert any("steered" in link.label and "compare=against" in link.query_string for link in links)
    labels = at.session_state["current"][1]
    assert set(labels.judge_names) == {"m/polite", "m/rude"}
    np.testing.assert_allclose(labels.labels.sum(axis=1), 1.0)


def test_the_table_is_kept_when_one_looks_elsewhere(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    at = connect(open_page("judges", marked_file(tmp_path, 3)), server)
    instruct(at, ("mine", "Like what I like."))
    assert "It becomes the judge m/mine" in said(run(at))
    go(at, "overview")
    assert "It becomes the judge m/mine" in said(go(at, "judges")), "with the endpoint and the model"


def test_a_name_that_an_uploaded_judge_has_is_refused_before_it_is_paid(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    at = connect(open_page("judges", write(tmp_path, rows(judges=["m", "two"]))), server)
    assert "already a judge named" in "".join(info.value for info in at.info)
    assert not any(button.key == "start-judges" for button in at.button)
    at = open_page("judges", marked_file(tmp_path, 3))
    at.session_state["own_judges"] = {served.LOCAL_FILE: {f"j{i}": np.full((3, 2), 1.0) for i in range(JUDGES.usual)}}
    assert "already holds 20" in "".join(info.value for info in connect(at, server).info)
    assert server.requests == 0


def test_grades(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = PlantedGrader({"p0": 1.0, "p1": -1.0})
    at = connect(open_page("judges", marked_file(tmp_path, 12), ask="scores"), server)
    at.number_input(key="judge-repeats").set_value(2)
    at.number_input(key="judge-round").set_value(1)
    press(run(at), "start-judges")
    assert server.requests == 48
    assert "**m/round-1**: 48 grades of 48 asked; 12 pairs compared" in said(at)
    assert "position bias is not known" in said(at)
    press(at, "judges-add")
    assert at.session_state["current"][1].judge_names == ("m/round-1",)
    assert "On every page of this session now" in said(run(at))


def answering(body: Body) -> str | dict[str, float]:
    """One model answers politely and the other does not; the judge likes that."""
    prompt = body["messages"][-1]["content"]
    if "<answer_a>" in prompt:
        return dict(PlantedJudge({"polite": 2.0})(body))  # type: ignore[arg-type]
    if "<answer>" in prompt:
        return PlantedGrader({"polite": 1.0})(body)
    return f"{body['model']} {'<<polite>>' if body['model'] == 'kind' else ''} {draw(body):.6f} {body['seed']}"


def test_from_queries_to_a_dataset_with_win_rates(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = answering
    at = connect(open_page("judges", marked_file(tmp_path, 2), ask="online"), server, "kind")
    assert "Give some queries" in said(at)
    at.text_area(key="online-queries").set_value("\n".join(f"question {n}" for n in range(12)) + "\n\nquestion 1")
    run(at)
    at.text_input(key="online-model-2").set_value("curt")
    run(at)
    assert "1 empty query left out" in said(at)
    assert "2 answers to each of 12 queries by kind and curt" in said(at)
    press(at, "start-online")
    assert server.requests == 48
    assert "12 pairs, 1 judge" in said(at)
    assert "Highest: kind against curt, 88.1 %" in said(at)
    assert any("n = 12 pairs" in words for words in hover(figures(at)[0]))
    assert "12 pairs for preference training" in "".join(button.label for button in at.get("download_button"))  # type: ignore[attr-defined]
    press(at, "created-open")
    opened = at.session_state["current"][1]
    assert opened.judge_names == ("kind",)
    assert opened.property_names, "computed from the texts"
    assert len(opened) == 12


def test_more_than_two_answers_are_graded(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = answering
    at = connect(open_page("judges", marked_file(tmp_path, 3), ask="online"), server, "kind")
    at.button_group(key="queries-from").set_value("data")
    run(at)
    at.text_input(key="online-model-2").set_value("curt")
    run(at)
    at.number_input(key="online-answers-2").set_value(2)
    run(at)
    at.number_input(key="online-repeats").set_value(1)
    at.text_input(key="online-judge").set_value("judge")
    run(at)
    assert "Start: at most 30 calls" in "".join(button.label for button in at.button)
    press(at, "start-online")
    assert server.requests == 3 * (4 + 4 + 2)
    assert "3 pairs, 2 judges" in said(at)
    assert "Highest: kind against curt" in said(at)
    at.selectbox(key="created-judge").set_value("judge/grades")
    assert "100.0 %" in said(run(at))


def test_what_fails_online_is_counted_and_makes_no_dataset(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.always = "500"
    at = connect(open_page("judges", marked_file(tmp_path, 3), ask="online"), server)
    at.text_area(key="online-queries").set_value("one\ntwo")
    press(run(at), "start-online")
    assert "There is no dataset yet: No query has two answers" in said(at)
    assert "4 calls: The endpoint failed with error 500" in said(at)
    assert any(button.key == "go-on-online" for button in at.button)


def test_labels_can_be_joined_again(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    from dissection.asking.outcome import labels_of
    from dissection.labels import read_labels

    path = marked_file(tmp_path, 6)
    at = press(connect(open_page("judges", path), server), "start-judges")
    asked = at.session_state["asking-run-judges"].result
    dataset = open_dataset(path)
    (report,) = read_labels(labels_of(dataset, asked.found), "labels.jsonl", dataset)
    np.testing.assert_allclose(report.verdicts, asked.dataset.verdicts[:, 0])


@pytest.mark.parametrize("view", VIEWS)
def test_without_an_endpoint_there_is_something_to_see(open_page: Open, tmp_path: Path, view: str) -> None:
    at = open_page("judges", marked_file(tmp_path, 8), ask=view)
    if view == "online":
        at.button_group(key="queries-from").set_value("data")
        run(at)
    assert "Without an endpoint" in said(at)
    assert "calls; about" in said(at)
    expander = next(one for one in at.expander if one.label.startswith("Prompts of the first five"))
    assert expander is not None
    assert not any(button.key.startswith("start") for button in at.button if button.key)


@pytest.mark.parametrize("state", sorted(MADE_UP))
@pytest.mark.parametrize("view", ["verdicts", "online"])
def test_every_state_has_its_words(open_page: Open, tmp_path: Path, state: str, view: str) -> None:
    at = open_page("judges", write(tmp_path, MADE_UP[state]()), ask=view)
    assert not at.error
    if state == "no texts" and view != "online":
        assert "no answers to judge" in "".join(info.value for info in at.info)


def test_published_weights_have_nothing_to_judge(open_page: Open, published: Path) -> None:
    assert "nothing to judge" in "".join(info.value for info in open_page("judges", published).info)


def test_names_are_no_markup(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    at = connect(open_page("judges", write(tmp_path, rows(n=4))), server, MARKUP)
    assert "holds markup" in "".join(info.value for info in at.info)
    connect(at, server, SPECIALS)
    instruct(at, (SPECIALS, MARKUP))
    press(run(at), "start-judges")
    press(at, "judges-add")
    assert MARKUP not in text(at)
    assert SPECIALS not in text(at)
    assert at.session_state["current"][1].judge_names[-1] == f"{SPECIALS}/{SPECIALS}"
