"""Other scenarios on the Upload page, and what the demo's pages make of them."""

from pathlib import Path

from tests.test_pages import PAGES, Open, go, open_page, rows, run, text, write

__all__ = ["open_page"]


def test_the_demo_by_topics_is_a_dataset_of_its_own_on_every_page(open_page: Open) -> None:
    at = open_page("upload", kind="scenarios")
    assert "computed from the queries" in text(at)
    next(button for button in at.button if button.key == "open-grouped").click()
    run(at)
    assert at.session_state["data"].startswith("own-")
    for page in PAGES:
        go(at, page)
    at.session_state["view"] = "dots"
    go(at, "dissect")
    assert any("topic 1" in option for option in at.selectbox(key="group").options)
    assert "choose a scenario to see them" not in text(at)


def test_words_group_the_pairs(open_page: Open, tmp_path: Path) -> None:
    at = open_page("upload", write(tmp_path, rows()), kind="scenarios", grouping="words")
    at.text_area(key="group-rules").set_value("Small: question 1, question 2\nAll: question*")
    run(at)
    assert at.dataframe[0].value.set_index("scenario")["pairs"].to_dict() == {"All": 58, "Small": 2}
    at.text_area(key="group-rules").set_value("nothing")
    run(at)
    assert "no name or no words" in at.error[0].value


def test_data_without_columns_say_so(open_page: Open, tmp_path: Path) -> None:
    assert "No column of this data" in text(open_page("upload", write(tmp_path, rows()), kind="scenarios", grouping="column"))


def test_published_weights_can_not_be_grouped(open_page: Open, published: Path) -> None:
    assert "no pairs to group" in text(open_page("upload", published, kind="scenarios"))
