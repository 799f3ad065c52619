"""The demo: what is annotated can be read in the text, and verdicts follow the tastes that were planted."""

import gzip
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dissection.demo_pairs import BY_LEVEL, draw_pairs, read_comparison
from dissection.demo_texts import keeps_constraint, phrase_bank, word_limit
from dissection.errors import DatasetError, FileError
from dissection.judges import DATA_FOLDER, describe
from dissection.properties import paper_properties
from dissection.simulate import BOTH_ORDERS, DEMO_JUDGES, SOFT, draw_comparisons, draw_verdicts, sigmoid, simulate_demo, write_demo
from dissection.text_properties import compare_lengths

NAMES = [property_.name for property_ in paper_properties()]
PLAIN = [judge for judge in DEMO_JUDGES if judge not in (*BOTH_ORDERS, *SOFT, "human")]
CONDITIONAL = {
    "clarifies intent": "intent_unclear",
    "empathetic": "express_feeling",
    "meets constraints": "w_constraints",
    "supports stances": "w_stances",
    "corrects mistakes": "w_mistakes",
}
Demo = tuple[list[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def demo() -> Demo:
    return simulate_demo()


@pytest.fixture(scope="module")
def comparisons(demo: Demo) -> np.ndarray:
    return np.array([[read_comparison(record["properties"][name]) for name in NAMES] for record in demo[0]], dtype=float)


@pytest.fixture(scope="module")
def values(demo: Demo, comparisons: np.ndarray) -> dict[str, np.ndarray]:
    records, truth = demo
    return {
        judge: np.array([row @ np.array(tastes[record["scenario"]]) for row, record in zip(comparisons, records, strict=True)])
        for judge, tastes in truth["tastes"].items()
    }


def answers(records: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str, str]]:
    return [(record, side, record[f"response_{side}"]) for record in records for side in ("a", "b")]


def count_phrases(trait: str, topic: str, text: str) -> int:
    bank = phrase_bank()["phrases"][trait]
    return sum(text.count(phrase.replace("{subject}", topic).split("{fact}")[0]) for place in bank.values() for phrase in place)


class TestDemo:
    def test_sizes(self, demo: Demo) -> None:
        records, _ = demo
        assert len(records) == 2600
        assert len({record["pair_id"] for record in records}) == 2600
        sizes = Counter(record["scenario"] for record in records)
        assert list(sizes) == [scenario["name"] for scenario in phrase_bank()["scenarios"]]
        assert len(sizes) == 11
        ordinary = [size for name, size in sizes.items() if name not in ("Others", "Knowledge-aware")]
        assert min(sizes["Others"], sizes["Knowledge-aware"]) > 1.5 * max(ordinary)
        assert min(ordinary) >= 150

    def test_conditions_have_their_shares_and_overlap(self, demo: Demo) -> None:
        sizes = Counter(condition for record in demo[0] for condition in record["conditions"])
        for condition, share in phrase_bank()["condition_shares"].items():
            assert sizes[condition] == round(share * 2600)
        assert sizes["express_feeling"] >= 100
        assert any(len(record["conditions"]) > 1 for record in demo[0])

    def test_every_record_has_the_native_form(self, demo: Demo) -> None:
        keys = ["pair_id", "scenario", "conditions", "query", "response_a", "response_b", "model_a", "model_b"]
        for record in demo[0]:
            assert list(record) == [*keys, "labels", "properties", "meta"]
            assert list(record["properties"]) == NAMES
            assert list(record["labels"]) == list(DEMO_JUDGES)
            assert record["response_a"] != record["response_b"]
            assert record["model_a"] != record["model_b"]
        assert json.loads(json.dumps(demo[0])) == demo[0]

    def test_each_property_differs_often_enough_and_not_too_often(self, demo: Demo, comparisons: np.ndarray) -> None:
        for name, column in zip(NAMES, comparisons.T, strict=True):
            condition = CONDITIONAL.get(name)
            held = np.array([condition is None or condition in record["conditions"] for record in demo[0]])
            assert not column[~held].any()
            share = np.mean(column[held] != 0)
            assert (0.5 < share < 0.75) if condition else (0.12 < share < 0.75), name
            assert abs(np.mean(column[column != 0])) < 0.25, f"{name} favours one side"
        assert 0.15 < np.mean(comparisons[:, NAMES.index("no severe errors")] != 0) < 0.3

    def test_no_property_stands_for_another(self, comparisons: np.ndarray) -> None:
        correlations = np.corrcoef(comparisons.T) - np.eye(len(NAMES))
        assert np.abs(correlations).max() < 0.7

    def test_texts_vary(self, demo: Demo) -> None:
        records, _ = demo
        assert len({record["query"] for record in records}) > 0.7 * len(records)
        assert len({text for _, _, text in answers(records)}) > 0.98 * 2 * len(records)
        words = [len(text.split()) for _, _, text in answers(records)]
        assert min(words) >= 15
        assert 60 < np.median(words) < 120
        for scenario in phrase_bank()["scenarios"]:
            assert len(scenario["topics"]) >= 6

    def test_no_slot_is_left_open(self, demo: Demo) -> None:
        for record in demo[0]:
            for text in (record["query"], record["response_a"], record["response_b"]):
                assert not re.search(r"[{}]|  ", text), text
                assert text[0] == text.strip()[0]

    def test_the_same_seed_gives_the_same_demo_and_another_seed_another(self) -> None:
        assert simulate_demo(60, 4, 7) == simulate_demo(60, 4, 7)
        assert simulate_demo(60, 4, 7) != simulate_demo(60, 4, 8)

    def test_more_judges_change_nothing_for_the_first(self) -> None:
        few, many = simulate_demo(40, 3, 1), simulate_demo(40, 16, 1)
        for short, long in zip(few[0], many[0], strict=True):
            assert short["labels"].items() <= long["labels"].items()
            assert short["response_a"] == long["response_a"]
        assert list(many[1]["tastes"])[-2:] == ["judge-15", "judge-16"]

    def test_the_smallest_demo_has_one_pair_a_scenario(self) -> None:
        records, truth = simulate_demo(11, 1)
        assert len({record["scenario"] for record in records}) == 11
        assert list(truth["tastes"]) == ["human"]

    @pytest.mark.parametrize(("pairs", "judges", "seed", "named"), [(10, 14, 0, "11"), (100, 0, 0, "judges"), (100, 2, -1, "seed")])
    def test_a_number_out_of_range_is_named(self, pairs: int, judges: int, seed: int, named: str) -> None:
        with pytest.raises(DatasetError, match=named):
            simulate_demo(pairs, judges, seed)

    def test_pairs_alone_refuse_too_few(self) -> None:
        with pytest.raises(DatasetError, match="at least 11"):
            draw_pairs(5, np.random.default_rng(0))


class TestTexts:
    @pytest.mark.parametrize("trait", BY_LEVEL)
    def test_a_tone_is_scored_exactly_where_its_phrases_stand(self, demo: Demo, trait: str) -> None:
        for record, side, text in answers(demo[0]):
            assert count_phrases(trait, record["meta"]["topic"], text) == record["properties"][trait][side], text

    @pytest.mark.parametrize(("name", "trait"), [("clear", "unclear"), ("harmless", "unsafe")])
    def test_a_flaw_lowers_the_score(self, demo: Demo, name: str, trait: str) -> None:
        for record, side, text in answers(demo[0]):
            assert (record["properties"][name][side] < 3) == (count_phrases(trait, "", text) > 0), text

    def test_an_off_topic_sentence_decides_relevance(self, demo: Demo) -> None:
        for record in demo[0]:
            off = [count_phrases("irrelevant", "", record[f"response_{side}"]) > 0 for side in ("a", "b")]
            assert record["properties"]["relevant"]["comparison"] == off[1] - off[0]

    def test_typos_lower_grammar(self, demo: Demo) -> None:
        pattern = re.compile(r"\b(" + "|".join(wrong for _, wrong in phrase_bank()["typos"]) + r")\b")
        for record, side, text in answers(demo[0]):
            assert bool(pattern.search(text)) == (record["properties"]["grammatical"][side] < 3), text

    def test_layout_is_what_is_seen(self, demo: Demo) -> None:
        for record, side, text in answers(demo[0]):
            steps = "\n1. " in text and "\n2. " in text
            heading = re.search(r"^(\*\*|### )", text, re.MULTILINE) is not None
            assert record["properties"]["step by step"][side] == 3 * steps
            assert record["properties"]["well formatted"][side] == steps + heading + ("\n- " in text), text

    def test_repetition_is_a_sentence_said_twice(self, demo: Demo) -> None:
        for record, side, text in answers(demo[0]):
            sentences = [part.strip('"“”- ') for part in re.split(r"(?<=[.!?])[\"”]?\s+|\n+", text)]
            repeated = any(count > 1 for sentence, count in Counter(sentences).items() if sentence)
            assert repeated == (record["properties"]["non-repetitive"][side] < 3), text

    @pytest.mark.parametrize(("position", "name"), list(enumerate(["no minor errors", "no moderate errors", "no severe errors"])))
    def test_errors_are_wrong_statements_in_the_text(self, demo: Demo, position: int, name: str) -> None:
        for record in demo[0]:
            wrong = _topic(record)["errors"][position]
            held = [_loosely(wrong, record[f"response_{side}"]) for side in ("a", "b")]
            expected = record["properties"][name]["comparison"]
            assert (held[1] - held[0]) == expected, (wrong, record["response_a"], record["response_b"])

    def test_facts_make_it_rich_and_a_turn_makes_it_novel(self, demo: Demo) -> None:
        for record, side, text in answers(demo[0]):
            topic = _topic(record)
            assert (topic["novel"] in text) == (record["properties"]["novel"][side] > 0)
            facts = sum(_loosely(fact, text) for fact in topic["facts"])
            assert facts == record["properties"]["rich information"][side] + 1, (topic["facts"], text)

    def test_longer_is_counted(self, demo: Demo) -> None:
        for record in demo[0]:
            a, b = (len(record[f"response_{side}"].split()) for side in ("a", "b"))
            assert record["properties"]["longer"]["comparison"] == compare_lengths(a, b)

    def test_constraints_are_met_or_broken_in_the_text(self, demo: Demo) -> None:
        entries = phrase_bank()["constraints"]
        checked = Counter()
        for record, side, text in answers(demo[0]):
            if "w_constraints" not in record["conditions"]:
                continue
            shape = {entry["ask"]: re.escape(entry["ask"]).replace(r"\{n\}", r"(\d+)") for entry in entries}
            entry = next(entry for entry in entries if re.search(shape[entry["ask"]], record["query"]))
            number = re.search(shape[entry["ask"]], record["query"])
            limit = int(number[1]) if number and number.groups() else None
            assert record["properties"]["meets constraints"][side] == 3 * keeps_constraint(text, entry, limit)
            assert entry["kind"] == record["meta"]["constraint"]
            checked[entry["kind"]] += 1
        assert len(checked) == len({entry["kind"] for entry in entries})

    def test_query_specific_answers_stand_in_the_text(self, demo: Demo) -> None:
        for record, side, text in answers(demo[0]):
            topic, entries = _topic(record), record["properties"]
            if "intent_unclear" in record["conditions"]:
                assert (topic["vague"][1] in text) == (entries["clarifies intent"][side] > 0)
            if "w_mistakes" in record["conditions"]:
                assert topic["premise"][0] in record["query"]
                assert (topic["premise"][1] in text) == (entries["corrects mistakes"][side] > 0)
            if "w_stances" in record["conditions"]:
                stance = entries["supports stances"][side]
                assert [sentence in text for sentence in topic["stance"][1:]] == [stance > 0, stance < 0]
            if "express_feeling" in record["conditions"]:
                feeling = next(feeling for feeling in phrase_bank()["feelings"] if feeling[0] in record["query"])
                assert any(sentence in text for sentence in feeling[1:]) == (entries["empathetic"][side] > 0)

    def test_a_limit_usually_parts_the_two_answers(self) -> None:
        rng = np.random.default_rng(0)
        limits = [word_limit((60, 90), rng) for _ in range(300)]
        assert np.mean([60 <= limit < 90 for limit in limits]) > 0.6
        assert set(limits) == {60, 90, 50}


class TestTastes:
    def test_size_classes_are_alike_within_and_less_so_between(self, demo: Demo) -> None:
        tastes = demo[1]["tastes"]
        similarity = np.mean([np.corrcoef([tastes[judge][group] for judge in tastes]) for group in tastes["human"]], axis=0)
        classes = [describe(judge).size_class for judge in tastes]
        pairs = [(i, j) for i in range(len(classes)) for j in range(i) if "other" not in (classes[i], classes[j])]
        within = [similarity[i, j] for i, j in pairs if classes[i] == classes[j]]
        between = [similarity[i, j] for i, j in pairs if classes[i] != classes[j]]
        assert min(within) > 0.7
        assert max(between) < 0.7
        assert np.mean(between) > 0.2

    def test_an_aligned_judge_is_its_base_more_decided(self, demo: Demo) -> None:
        tastes = demo[1]["tastes"]
        for base in [judge for judge in tastes if f"{judge}-chat" in tastes]:
            for group, weights in tastes[base].items():
                aligned = np.array(tastes[f"{base}-chat"][group])
                assert np.corrcoef(weights, aligned)[0, 1] > 0.999
                assert 1.4 < np.linalg.norm(aligned) / np.linalg.norm(weights) < 1.8

    def test_tastes_are_a_few_strong_wishes(self, demo: Demo) -> None:
        weights = np.array([list(groups.values()) for groups in demo[1]["tastes"].values()])
        assert weights.shape == (14, 11, 29)
        assert 1.0 < weights.max() < 3.5
        assert weights.min() > -2.5
        assert np.mean(weights == 0) > 0.4
        assert 0.05 < np.mean(np.abs(weights) > 0.6) < 0.35
        assert np.array_equal(np.round(weights, 4), weights)

    def test_small_judges_prefer_the_first_and_large_ones_hardly(self, demo: Demo) -> None:
        for judge, bias in demo[1]["position_bias"].items():
            size = describe(judge).size
            assert (bias >= 0.25) if size and size <= 14 else (bias <= 0.1)

    def test_added_judges_have_tastes_from_the_prior(self) -> None:
        tastes = simulate_demo(11, 214)[1]["tastes"]
        drawn = np.array([tastes[f"judge-{number}"]["Code"] for number in range(15, 215)])
        assert np.mean(np.abs(drawn)) == pytest.approx(0.1, rel=0.06)
        assert tastes["judge-15"]["Code"] == tastes["judge-15"]["Advice"]


class TestVerdicts:
    def test_plain_judges_give_sides_and_there_are_ten(self, demo: Demo) -> None:
        assert len(PLAIN) == 10
        for record in demo[0]:
            assert all(record["labels"][judge] in ("a", "b") for judge in PLAIN)
            assert all(set(record["labels"][judge]) == {"ab", "ba"} for judge in BOTH_ORDERS)

    @pytest.mark.parametrize("judge", PLAIN)
    def test_shares_follow_the_model(self, demo: Demo, values: dict[str, np.ndarray], judge: str) -> None:
        chosen = np.array([record["labels"][judge] == "a" for record in demo[0]])
        chance = sigmoid(values[judge] + demo[1]["position_bias"][judge])
        edges = np.quantile(chance, np.linspace(0, 1, 7))
        for low, high in pairwise(edges):
            inside = (chance >= low) & (chance <= high)
            error = np.sqrt(np.sum(chance[inside] * (1 - chance[inside]))) / inside.sum()
            assert abs(chosen[inside].mean() - chance[inside].mean()) < 4 * error

    @pytest.mark.parametrize("judge", PLAIN[:4] + PLAIN[-1:])
    def test_a_fit_finds_the_planted_taste(self, demo: Demo, comparisons: np.ndarray, judge: str) -> None:
        chosen = np.array([record["labels"][judge] == "a" for record in demo[0]], dtype=float)
        tastes = demo[1]["tastes"][judge]
        shares = Counter(record["scenario"] for record in demo[0])
        average = sum(shares[group] * np.array(tastes[group]) for group in shares) / len(demo[0])
        found, errors = _logistic(np.column_stack([comparisons, np.ones(len(comparisons))]), chosen)
        z = (found - np.append(average, demo[1]["position_bias"][judge])) / errors
        assert np.abs(z).max() < 4
        assert np.mean(np.abs(z) < 2) > 0.8

    def test_both_orders_differ_only_by_the_bias(self, demo: Demo, values: dict[str, np.ndarray]) -> None:
        for judge in BOTH_ORDERS:
            for order, sign in (("ab", 1), ("ba", -1)):
                chosen = np.array([record["labels"][judge][order] == "a" for record in demo[0]])
                expected = sigmoid(values[judge] + sign * demo[1]["position_bias"][judge])
                assert chosen.mean() == pytest.approx(expected.mean(), abs=0.035)

    def test_soft_verdicts_are_the_models_probability(self, demo: Demo, values: dict[str, np.ndarray]) -> None:
        for judge in SOFT:
            given = np.array([record["labels"][judge] for record in demo[0]])
            assert np.abs(given - sigmoid(values[judge] + demo[1]["position_bias"][judge])).max() <= 0.005 + 1e-9

    def test_human_ties_are_close_calls_and_a_few_are_missing(self, demo: Demo, values: dict[str, np.ndarray]) -> None:
        given = [record["labels"]["human"] for record in demo[0]]
        tied = np.array([label == "tie" for label in given])
        assert 0.05 < tied.mean() < 0.2
        assert np.abs(values["human"][tied]).max() < 0.2
        assert 0.01 < np.mean([label is None for label in given]) < 0.03
        decided = np.array([label in ("a", "b") for label in given])
        chosen = np.array([label == "a" for label in given])
        assert chosen[decided].mean() == pytest.approx(sigmoid(values["human"][decided]).mean(), abs=0.04)


class TestDraws:
    def test_comparisons_are_sparse_and_correlated(self) -> None:
        drawn = draw_comparisons(4000, 29, np.random.default_rng(3))
        assert drawn.shape == (4000, 29)
        assert set(np.unique(drawn)) == {-1.0, 0.0, 1.0}
        shares = np.mean(drawn != 0, axis=0)
        assert 0.08 < shares.min() < shares.max() < 0.43
        correlations = np.corrcoef(drawn.T)[np.triu_indices(29, 1)]
        assert 0.02 < correlations.mean() < 0.2
        assert correlations.max() < 0.5

    def test_verdicts_follow_weights_and_intercept(self) -> None:
        rng = np.random.default_rng(4)
        comparisons = np.repeat([[1.0, 0.0], [0.0, -1.0]], 8000, axis=0)
        drawn = draw_verdicts(comparisons, np.array([0.8, 0.5]), rng, intercept=0.2)
        assert set(np.unique(drawn)) == {0.0, 1.0}
        assert drawn[:8000].mean() == pytest.approx(1 / (1 + np.exp(-1.0)), abs=0.02)
        assert drawn[8000:].mean() == pytest.approx(1 / (1 + np.exp(0.3)), abs=0.02)

    def test_what_cannot_be_drawn_is_refused(self) -> None:
        rng = np.random.default_rng(5)
        with pytest.raises(DatasetError, match="at least one pair"):
            draw_comparisons(0, 3, rng)
        with pytest.raises(DatasetError, match="one weight a property"):
            draw_verdicts(np.zeros((4, 3)), np.zeros(2), rng)


class TestFiles:
    def test_the_embedded_demo_is_what_seed_0_gives(self, demo: Demo) -> None:
        path = DATA_FOLDER / "demo.jsonl.gz"
        assert path.stat().st_size < 1_500_000
        stored = [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()]
        assert stored == demo[0]
        assert json.loads((DATA_FOLDER / "demo_truth.json").read_text(encoding="utf-8")) == demo[1]

    def test_a_packed_file_is_the_same_bytes_at_each_run(self, tmp_path: Path) -> None:
        for name in ("one.jsonl.gz", "two.jsonl.gz"):
            write_demo(tmp_path / name, 30, 3, truth_path=tmp_path / "truth.json")
        assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
        assert set(json.loads((tmp_path / "truth.json").read_text())) == {"tastes", "position_bias", "properties"}

    def test_plain_and_packed_hold_the_same(self, tmp_path: Path) -> None:
        write_demo(tmp_path / "demo.jsonl", 20, 2, 3)
        write_demo(tmp_path / "demo.jsonl.gz", 20, 2, 3)
        assert gzip.decompress((tmp_path / "demo.jsonl.gz").read_bytes()) == (tmp_path / "demo.jsonl").read_bytes()

    def test_another_ending_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(FileError, match="jsonl"):
            write_demo(tmp_path / "demo.csv")


def _topic(record: dict[str, Any]) -> dict[str, Any]:
    topics = next(scenario["topics"] for scenario in phrase_bank()["scenarios"] if scenario["name"] == record["scenario"])
    topic = next(topic for topic in topics if topic["subject"] == record["meta"]["topic"])
    for value in topic["slot"].get("values", ()):
        filled = json.loads(json.dumps(topic).replace("{" + topic["slot"]["name"] + "}", value))
        if any(query[1:] in record["query"] for query in filled["queries"]) or _loosely(filled["leads"][0], record["response_a"]):
            return dict(filled)
    return dict(topic)


def _loosely(sentence: str, text: str) -> bool:
    """Whether the sentence stands in the text, typos and all."""
    for right, wrong in phrase_bank()["typos"]:
        text = re.sub(rf"\b{wrong}\b", right, text)
    return sentence in text


def _logistic(design: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum likelihood by Newton's method: estimates and standard errors."""
    weights = np.zeros(design.shape[1])
    for _ in range(12):
        chance = sigmoid(design @ weights)
        hessian = design.T @ (design * (chance * (1 - chance))[:, None])
        weights = weights + np.linalg.solve(hessian, design.T @ (chosen - chance))
    return weights, np.sqrt(np.diag(np.linalg.inv(hessian)))
