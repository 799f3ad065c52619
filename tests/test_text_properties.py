"""Text properties: the paper's length rule at every boundary, each property on texts that show it, and real data."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissection import text_measures
from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.judges import Judge
from dissection.properties import Property, computed_properties, describe, paper_properties
from dissection.text_properties import annotate, compare_lengths, compare_texts, measure

REPOSITORY = Path(__file__).parents[1]
NAMES = [property_.name for property_ in computed_properties()]
QUERY = "Describe the volcanic history of Iceland, naming three eruptions."
# fmt: off
WORDS = ["the", "of", "a", "volcano", "island", "lava", "ash", "glacier", "eruption", "crater", "magma", "year", "people", "farm", "sheep",
         "river", "winter", "road", "harbour", "cloud"]
MARKS = ["```\n", "`x`", "~~~\n", "\n", "\r\n\n", "- ", "1. ", "# ", "**b** ", "you ", "?", "! ", "\U0001F600", "\ud800", "\u706b\u5c71 ",
         "3.14 ", "[1]", "\x00"]
# fmt: on


def compare(a: str | None, b: str | None, query: str | None = QUERY) -> dict[str, float]:
    comparisons, _ = compare_texts([query], [a], [b])
    return dict(zip(NAMES, comparisons[0].tolist(), strict=True))


def value(name: str, text: str, query: str | None = QUERY) -> float:
    return float(measure(query, text)[NAMES.index(name)])


def dataset(a: list[str | None], b: list[str | None], properties: tuple[Property, ...] = ()) -> PairDataset:
    n, d = len(a), len(properties)
    columns = {"scenario": "All", "query": QUERY, "response_a": a, "response_b": b, "model_a": None, "model_b": None}
    return PairDataset(
        name="trial",
        pairs=pd.DataFrame(columns, index=pd.Index([str(i) for i in range(n)], name="pair_id"), dtype=object),
        properties=properties,
        comparisons=np.zeros((n, d)),
        scores=np.zeros((n, d, 2)),
        judges=(Judge("human"),),
        verdicts=np.full((n, 1, 2), 0.5),
        notes=("Read from nowhere.",),
    )


# The length rule


@pytest.mark.parametrize(("shorter", "reach"), list(enumerate([1, 3, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19])))
def test_table_of_short_answers(shorter: int, reach: int) -> None:
    assert compare_lengths(reach, shorter) == 1
    assert compare_lengths(shorter, reach) == -1
    assert compare_lengths(reach - 1, shorter) == 0
    assert compare_lengths(shorter, reach - 1) == 0


@pytest.mark.parametrize(
    ("shorter", "longer", "differ"),
    [
        (12, 21, False),  # 0.57 of the words, but only 9 apart
        (12, 22, True),
        (23, 32, False),
        (23, 33, True),  # 10 apart and 0.697
        (28, 40, True),  # exactly 0.7, which floating point would miss
        (28, 39, False),
        (70, 100, True),
        (71, 100, True),  # beyond 0.7, within 0.8 and 29 apart
        (76, 95, False),  # exactly 0.8, but 19 apart
        (80, 100, True),
        (81, 100, False),
        (351, 390, False),  # exactly 0.9, but 39 apart
        (360, 400, True),
        (361, 400, False),
        (900, 1000, True),
        (901, 1000, False),
    ],
)
def test_margins_of_long_answers(shorter: int, longer: int, differ: int) -> None:
    assert compare_lengths(longer, shorter) == differ
    assert compare_lengths(shorter, longer) == -differ


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 200))
def test_length_rule_is_symmetric_and_grows(a: int, b: int, more: int) -> None:
    assert compare_lengths(a, b) == -compare_lengths(b, a)
    assert compare_lengths(a, a) == 0
    if a >= b:
        assert compare_lengths(a + more, b) >= compare_lengths(a, b)


# The catalogue


def test_catalogue_and_code_name_the_same_properties_in_the_same_order() -> None:
    assert list(text_measures.MEASURES) == NAMES
    assert len(set(NAMES)) == len(NAMES) == len(measure(QUERY, "text"))


def test_names_are_short_and_none_but_longer_is_one_of_the_papers() -> None:
    taken = {name.casefold() for property_ in paper_properties() for name in (property_.name, *property_.aliases)}
    assert {name for name in NAMES if name.casefold() in taken} == {"longer"}
    assert max(map(len, NAMES)) <= 20
    for property_ in computed_properties():
        assert property_.meaning, property_.name
        assert property_.good in {-1, 0, 1}, property_.name
        assert describe(property_.name).name == property_.name


@pytest.mark.parametrize("name", NAMES[1:])
def test_each_margin_is_stated(name: str) -> None:
    stated = re.search(r"at least ([\d.]+)", computed_properties()[NAMES.index(name)].computed)
    assert stated is not None
    assert float(stated[1].rstrip(".")) == text_measures.MEASURES[name].least


# Each property on a pair that shows it

PROSE = " ".join(WORDS[i * i % 20] for i in range(30))
SHOWN = {
    "longer": (PROSE, "Lava flows."),
    "list items": ("Three:\n- Hekla\n* Katla\n3. Laki", "Three: Hekla, Katla, Laki"),
    "headings": ("## Eruptions\nHekla and Katla", "Eruptions\nHekla and Katla"),
    "bold": ("It was **Hekla** that erupted", "It was Hekla that erupted"),
    "code": ("Run `ls` first:\n```sh\nls -l\n```\nand see", "Run ls first: ls -l and see"),
    "numbers": ("In 1783 and 1,104 it erupted", "In summer and in winter it erupted"),
    "citations": ("It erupted [see](https://example.org/laki)", "It erupted as we see"),
    "asks back": ("It depends. Which eruption do you mean?", "It depends on the eruption that is meant."),
    "exclaims": ("What an eruption! 🌋", "What an eruption."),
    "hedges": ("I think it was Laki, perhaps Hekla.", "It was Laki or else Hekla."),
    "declines": ("As an AI, I don't have access to the archive.", "The archive has no access."),
    "apologises": ("I\u2019m sorry, and I apologise for the slip.", "That was a slip."),
    "addresses you": ("You can see your volcano.", "One can see this volcano."),
    "harder to read": (
        (
            "Considerable volcanic accumulations throughout extensive territories surrounding contemporary glaciers demonstrate recurring"
            " interactions between subglacial environments and ascending magma, notwithstanding subsequent isostatic readjustment."
        ),
        "Hot rock met ice. It blew up in a big way. The ash fell on the sea and the farms. Men and sheep had to go. It was dark all day.",
    ),
    "varied wording": (" ".join(f"word{i}" for i in range(80)), " ".join(WORDS[i % 20] for i in range(80))),
    "repetitive": ("The lava flows to the sea. The lava flows to the sea.", "The lava flows to the sea. Then it cools in the water."),
    "echoes query": ("Iceland has a volcanic history", "Fire came out of the ground"),
}


@pytest.mark.parametrize("name", NAMES)
def test_property_shows(name: str) -> None:
    more, less = SHOWN[name]
    assert compare(more, less)[name] == 1
    assert compare(less, more)[name] == -1
    assert compare(more, more)[name] == 0


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("list items", "  1. one\n\t2) two\nb) three\n• four\n\u2013 five\n-not one\n2.5 neither", 5),
        ("list items", "```\n- in code\n```\n- outside", 1),
        ("headings", "# One\r\n### Two\r\n**Three:**\r\n#hashtag\r\nand **bold** inside", 3),
        ("headings", "```python\n# a comment\n```", 0),
        ("bold", "**a** and **two words**, <b>c</b>; 2**3 * 4**5, ** no **", 3),
        ("code", "```py\nx = `1`\n```\n`a` and `b`", 3),
        ("code", "```\nnever closed\n`a`", 1),
        ("numbers", "1. In 1783, 9,000 people (21.5 %) by 12:30\n2. v2", 4),
        ("numbers", "see https://example.org/2020/12", 0),
        ("citations", "Known [1], shown[2, 3] (Smith et al., 2020), doi: 10.1000/1, according to www.example.org", 6),
        ("citations", "an array [1, 2, 3] or (January 2020)", 0),
        ("asks back", "Why? Because it is hot. Would you like more? Shall I go on? 😊", 2),
        ("exclaims", "Great!!! a != b, ![image](x) 👍🏽 👨‍👩‍👧 🇮🇸 \u597d\uff01\u6211", 5),
        ("hedges", "It seems I'm not sure. Maybe.", 3),
        ("declines", "I can't help with that. I cannot see why I should not paint.", 2),
        ("addresses you", "You're young; do it yourself, for your youth", 3),
        ("varied wording", "one two " * 25, 0.04),
        ("varied wording", "one two " * 25 + "three", (2 + 3) / 2 / 50),
        ("repetitive", "yes yes yes yes yes yes", 2 / 3),
        ("repetitive", "one two three", 0),
        ("echoes query", "ICELAND! The naming of eruptions…", 3 / 7),
    ],
)
def test_values(name: str, text: str, expected: float) -> None:
    assert value(name, text) == pytest.approx(expected)


@given(st.lists(st.sampled_from("abcdef"), min_size=50, max_size=140))
def test_variety_is_the_mean_over_all_windows(letters: list[str]) -> None:
    windows = [letters[i : i + 50] for i in range(len(letters) - 49)]
    assert value("varied wording", " ".join(letters)) == pytest.approx(np.mean([len(set(window)) / 50 for window in windows]))


def test_variety_does_not_grow_with_length() -> None:
    draw = np.random.default_rng(1).integers(0, 400, 4000)
    short, long = (" ".join(f"w{i}" for i in draw[:n]) for n in (200, 4000))
    assert abs(value("varied wording", short) - value("varied wording", long)) < 0.03
    assert compare(long, short)["varied wording"] == 0


def test_grade_is_the_libraries_and_lists_are_not_one_long_sentence() -> None:
    textstat = pytest.importorskip("textstat")
    plain = SHOWN["harder to read"][1]
    assert value("harder to read", plain) == pytest.approx(textstat.coleman_liau_index(plain))
    items = ["take the old road north", "cross the cold river there", "climb the dark lava field", "rest by the wide lake", "go home"]
    listed = value("harder to read", "\n".join(f"- {item}" for item in items))
    assert listed == pytest.approx(value("harder to read", ". ".join(items)))


@pytest.mark.parametrize(("name", "unit"), [("list items", "- item\n"), ("numbers", "7 suns "), ("addresses you", "you see ")])
def test_small_differences_between_large_counts_do_not_count(name: str, unit: str) -> None:
    assert compare(unit * 20, unit * 17)[name] == 0
    assert compare(unit * 20, unit * 15)[name] == 1
    assert compare(unit * 1, unit * 0)[name] == 0


# Texts at the edge


def test_an_empty_answer_is_a_text_and_none_is_not() -> None:
    assert value("longer", "") == value("repetitive", "") == 0
    assert np.isnan(value("harder to read", ""))
    assert compare(PROSE, "")["longer"] == 1
    assert not np.isnan(list(compare(PROSE, "").values())).any()
    assert not any(compare("", "").values())
    assert np.isnan(measure(QUERY, None)).all()
    for a, b in ((None, PROSE), ("", None), (None, None)):
        assert np.isnan(list(compare(a, b).values())).all()


@pytest.mark.parametrize("query", [None, "", "Why?"])
def test_no_echo_without_words_to_echo(query: str | None) -> None:
    assert np.isnan(value("echoes query", PROSE, query))
    assert compare(PROSE, "", query)["echoes query"] == 0


def test_short_texts_and_unspaced_scripts_get_no_grade() -> None:
    assert np.isnan(value("harder to read", "word " * 19))
    assert not np.isnan(value("harder to read", "word " * 20))
    chinese = "冰岛的火山历史非常悠久赫克拉火山曾多次喷发。 " * 25
    assert np.isnan(value("harder to read", chinese))
    assert value("longer", chinese) == 25
    assert not np.isnan(list(compare(chinese, PROSE).values())).any()


def test_nothing_to_compare() -> None:
    comparisons, scores = compare_texts([], [], [])
    assert comparisons.shape == (0, len(NAMES))
    assert scores.shape == (0, len(NAMES), 2)
    with pytest.raises(ValueError, match="zip"):
        compare_texts([QUERY], ["a", "b"], ["c"])


TEXTS = st.none() | st.lists(st.sampled_from([*MARKS, *(f"{word} " for word in WORDS)]) | st.text(max_size=5), max_size=70).map("".join)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_swapping_the_answers_negates(query: str | None, a: str | None, b: str | None) -> None:
    (there, back), (scores, _) = compare_texts([query, query], [a, b], [b, a])
    assert np.array_equal(there, -back, equal_nan=True)
    if a is None or b is None:
        assert np.isnan(there).all()
    else:
        assert set(there) <= {-1, 0, 1}
        assert np.array_equal(there == 0, there == -there)
    assert np.array_equal(scores[:, 0], measure(query, a), equal_nan=True)


@pytest.mark.parametrize("unit", ["a", "*", " ", "```\n", "(A", "\n", "? you", "! ", "1.", " \n", "**a", "[1,1", "~~~", "'", "- "])
def test_huge_texts_take_time_in_proportion(unit: str) -> None:
    # A pattern that goes back over what it read would need hours here, not a second.
    assert not np.isnan(compare(unit * (300_000 // len(unit)), "short")["longer"])


# Datasets


def test_annotate_adds_the_properties_and_says_so() -> None:
    bare = dataset(["Hekla! " * 12, None], ["Katla", "Laki"])
    full = annotate(bare)
    assert full.properties == computed_properties()
    assert full.comparisons.shape == (2, len(NAMES))
    assert full.scores[0, 0].tolist() == [12, 1]
    assert full.assessed.tolist() == [True, False]
    assert full.judges == bare.judges
    assert full.notes[0] == "Read from nowhere."
    assert full.notes[1] == "No properties are annotated: 17 text properties were computed from the answers."
    assert full.notes[2].startswith("In 1 of 2 pairs an answer has no text")
    assert bare.properties == ()


def test_annotate_sets_other_properties_aside() -> None:
    full = annotate(dataset(["a"], ["b"], properties=(Property("polite"), Property("funny"))))
    assert full.property_names == tuple(NAMES)
    assert full.notes[1].startswith("The 2 annotated properties are set aside")
    assert len(full.notes) == 2


@pytest.mark.parametrize("texts", [[], [None, None], [float("nan")]])
def test_annotate_needs_texts(texts: list[str | None]) -> None:
    with pytest.raises(DatasetError, match="no answers to read"):
        annotate(dataset(texts, texts))


def real(path: Path) -> tuple[np.ndarray, np.ndarray]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return compare_texts(*([row.get(field) for row in rows] for field in ("query", "response_a", "response_b")))


def test_on_llmbar_every_property_tells_some_pairs_apart(shared: Path) -> None:
    comparisons, scores = real(shared / "llmbar.jsonl")
    assert comparisons.shape == (419, len(NAMES))
    assert set(np.unique(comparisons)) == {-1, 0, 1}
    assert dict(zip(NAMES, (comparisons == 0).all(axis=0).tolist(), strict=True)) == dict.fromkeys(NAMES, False)
    assert not np.isnan(scores[:, [NAMES.index(name) for name in ("longer", "repetitive", "numbers")]]).any()


def test_on_pandalm_nothing_is_missing(shared: Path) -> None:
    comparisons, scores = real(shared / "pandalm.jsonl")
    assert comparisons.shape == (999, len(NAMES))
    assert not np.isnan(comparisons).any()
    assert (scores[:, 0] == 0).any(axis=1).sum() == 54  # the empty answers, as the README of the data counts them
    # These answers of 2023 have neither bold nor code; every other property tells some pairs apart.
    assert {name for name, flat in zip(NAMES, (comparisons == 0).all(axis=0), strict=True) if flat} == {"bold", "code"}


def test_importing_does_not_load_textstat() -> None:
    code = "import sys, dissection.text_properties; sys.exit('textstat' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
