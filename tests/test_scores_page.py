"""The page "Scores" in every state, without a browser."""

import json
from pathlib import Path

import pytest

from tests.test_pages import MADE_UP, MARKUP, SPECIALS, Open, figures, open_page, rows, run, text, write

__all__ = ["open_page"]  # the fixture


def test_scores_of_the_demo(open_page: Open) -> None:
    at = open_page("scores")
    assert [title.value for title in at.title] == ["Scores"]
    assert len(figures(at)) == 3
    words = text(at)
    assert "n = " in words
    assert "standard error" in words
    assert "Expected calibration error" in words
    assert "four of five" in words


@pytest.mark.parametrize("state", sorted(MADE_UP))
@pytest.mark.parametrize("view", ["judges", "groups"])
def test_scores_of_a_made_up_file(open_page: Open, tmp_path: Path, state: str, view: str) -> None:
    at = open_page("scores", write(tmp_path, MADE_UP[state]()), scoreview=view)
    assert [title.value for title in at.title] == ["Scores"]


@pytest.mark.parametrize("metric", ["accuracy", "brier"])
def test_another_measure_is_drawn(open_page: Open, tmp_path: Path, metric: str) -> None:
    at = open_page("scores", write(tmp_path, rows(n=200)), metric=metric)
    title = figures(at)[0]["layout"]["xaxis"]["title"]["text"]
    assert {"accuracy": "accuracy", "brier": "Brier"}[metric] in title


@pytest.mark.parametrize("name", ["haluquestqa.jsonl", "llmbar.jsonl"])
def test_scores_of_real_data(open_page: Open, shared: Path, name: str) -> None:
    at = open_page("scores", shared / name)
    assert len(figures(at)) == 3


def test_published_weights_are_explained(open_page: Open, published: Path) -> None:
    at = open_page("scores", published)
    assert not figures(at)
    assert "posterior means without the pairs" in text(at)


def test_one_pair_is_refused_in_words(open_page: Open, tmp_path: Path) -> None:
    assert "below 20" in text(open_page("scores", write(tmp_path, rows(n=1))))


def test_names_are_not_obeyed(open_page: Open, tmp_path: Path) -> None:
    found = rows(n=200, judges=[MARKUP, SPECIALS], properties=[MARKUP, SPECIALS], scenarios=[MARKUP, SPECIALS])
    at = open_page("scores", write(tmp_path, found))
    drawn = json.dumps(figures(at))
    assert MARKUP not in drawn
    assert SPECIALS not in text(at)


def test_the_address_restores_the_view(open_page: Open, tmp_path: Path) -> None:
    at = open_page("scores", write(tmp_path, rows(n=200)), scoreview="groups", metric="brier", judge="two")
    assert at.session_state["metric"] == "brier"
    run(at)
    assert "two" in figures(at)[0]["data"][0]["hovertext"][0]


@pytest.mark.parametrize("query", [{"model": "pooled"}, {"model": "paper", "folds": "True"}])
def test_models_that_cannot_be_held_out_are_said_to_be_scored_otherwise(open_page: Open, tmp_path: Path, query: dict[str, str]) -> None:
    file = write(tmp_path, rows(n=200))
    assert "fits each group on its own" in text(open_page("scores", file, **query))
    assert "fits each group on its own" not in text(open_page("scores", file))
