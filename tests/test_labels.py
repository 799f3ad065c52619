"""Labels from any file: every form, every fault in its own words, and nothing guessed."""

import gzip
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dissection.agreement import cohen_kappa
from dissection.errors import AmbiguousLabelError, FileError, InputError, LabelError, UnknownNameError
from dissection.label_templates import TEMPLATE_FORMS
from dissection.labels import LabelReport, read_labels, template
from dissection.tables import read_table
from tests.strategies import FORMS, LabelFile, bad_bytes, dataset, delimited, label_files, parquet

CALM = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def one(text: str | bytes, pairs: int = 4, **options: object) -> LabelReport:
    """The report of a file of one judge named "new" where it doesn't say."""
    data = text.encode() if isinstance(text, str) else text
    (report,) = read_labels(data, "labels.csv", dataset(pairs), **{"judge": "new", **options})  # type: ignore[arg-type]
    return report


def first(report: LabelReport) -> list[float]:
    return [float(v) for v in report.verdicts[:, 0]]


# --- Well-formed files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@CALM
@given(data=st.data())
def test_round_trip(form: str, data: st.DataObject) -> None:
    file: LabelFile = data.draw(label_files(form))
    (report,) = read_labels(file.data, "x", file.dataset, judge="new")
    np.testing.assert_allclose(report.verdicts, file.verdicts, atol=1e-12)
    assert (report.judge, report.unknown_ids, report.unknown_labels, report.duplicates) == ("new", 0, {}, 0)
    assert report.matched == (~np.isnan(file.verdicts)).any(axis=1).sum()
    assert report.matched + report.missing == len(file.dataset)
    if report.usable:
        joined = report.join(file.dataset)
        assert joined.judges[-1].origin == "upload"
        np.testing.assert_array_equal(joined.verdicts[:, -1], report.verdicts)


def test_several_judges_wide_and_long() -> None:
    wide = read_labels(b"pair_id,x,y.ab,y.ba\np1,a,b,a\np2,tie,b,b\n", "f", dataset(2))
    assert [report.judge for report in wide] == ["x", "y"]
    assert (wide[1].order_inconsistent, wide[1].asked_twice, wide[1].ties) == (1, 2, 0)
    assert (wide[0].ties, wide[0].share_a) == (1, 0.75)
    long = read_labels(b"pair_id,judge,label\np1,x,a\np1,y,b\np2,,b\n", "f", dataset(2), judge="z")
    assert [report.judge for report in long] == ["x", "y", "z"]
    assert [report.matched for report in long] == [1, 1, 1]


def test_ids_are_texts() -> None:
    (report,) = read_labels(b"pair_id,x\n007,a\n7,b\nNone,tie\n", "f", dataset(["7", "007", "None"]))
    assert first(report) == [0.0, 1.0, 0.5]
    (report,) = read_labels(parquet([{"pair_id": 7.0, "x": "a"}, {"pair_id": None, "x": "b"}]), "f", dataset(["7", "None"]))
    assert first(report)[0] == 1.0
    assert report.unknown_id_examples == (("None", 2),)


def test_scores_and_log_probabilities() -> None:
    report = one("pair_id,score_a,score_b\np1,10,9\np2,1,5\np3,3,3.0\np4,,4\n")
    assert first(report)[:3] == [1.0, 0.0, 0.5]
    assert (report.no_verdict, report.missing_examples) == (1, ("p4",))
    report = one("pair_id,logprob_a,logprob_b\np1,-1,-1\np2,-inf,-0.1\np3,-1,-1000\np4,-inf,-inf\n")
    assert first(report)[:3] == [0.5, 0.0, 1.0]
    assert report.unknown_labels == {"'-inf' / '-inf'": (5,)}
    assert first(one("pair_id,logprob_a,logprob_b\np1,-1,-2\n"))[0] == pytest.approx(1 / (1 + math.exp(-1)))
    assert any("above 0" in note for note in one("pair_id,logprob_a,logprob_b\np1,2,-2\n").notes)


def test_p_a_is_always_a_probability() -> None:
    report = one("pair_id,p_a\np1,0\np2,1\np3,83\n")
    assert first(report)[:2] == [0.0, 1.0]
    assert report.unknown_labels == {"'83'": (4,)}


def test_unnamed_and_other_columns_are_left_out_and_said() -> None:
    report = one(",pair_id,label,reason\n0,p1,a,because\n")
    assert any("reason" in note for note in report.notes)
    assert any("without a name" in note for note in report.notes)


@pytest.mark.parametrize("form", TEMPLATE_FORMS)
def test_templates_are_read_back(form: str) -> None:
    pairs = dataset(["007", "a,b", 'q"x', "=1", "e", "f", "g"])
    reports = read_labels(template(pairs, form).encode(), "t", pairs, judge="my-judge")  # type: ignore[arg-type]
    assert [report.judge for report in reports] == ["my-judge"]
    assert reports[0].matched >= 3
    assert (reports[0].unknown_ids, reports[0].unknown_labels) == (0, {})


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="json list"):
        template(dataset(2), "xml")  # type: ignore[arg-type]


# --- Numbers ------------------------------------------------------------------------------------------------------------------------


def labels_file(values: list[object]) -> bytes:
    return delimited(["pair_id", "x"], [[f"p{i + 1}", value] for i, value in enumerate(values)])


@pytest.mark.parametrize("values", [[0, 1], ["0", "1.0"], [1], [0], [0, 0.5, 1], [-1, 0, 1], ["1", "tie"]])
def test_numbers_with_two_readings_are_asked(values: list[object]) -> None:
    with pytest.raises(AmbiguousLabelError, match="1 may mean that A wins, or that the second answer does"):
        one(labels_file(values))
    scale = {0.0: 0.5 if -1 in values else 0.0, -1.0: 0.0, 1.0: 1.0, 0.5: 0.5}
    expected = [0.5 if value == "tie" else scale[float(str(value))] for value in values]
    assert first(one(labels_file(values), meaning_of_one="a"))[: len(values)] == expected
    assert first(one(labels_file(values), meaning_of_one="b"))[: len(values)] == [1 - value for value in expected]


@pytest.mark.parametrize("meaning", [None, "a", "b"])
@pytest.mark.parametrize("values", [[0, 1, 2], [0, 2], [1, 2, 3, 4], [0.2, 0.9, 1.7, -3]])
def test_numbers_that_no_answer_clears_up_are_refused(values: list[object], meaning: str | None) -> None:
    with pytest.raises(AmbiguousLabelError, match="more than one reading"):
        one(labels_file(values), meaning_of_one=meaning)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], [1.0, 0.0]),
        (["1", "2", "1.5"], [1.0, 0.0, 0.5]),
        ([0.83, 0, 1], [0.83, 0.0, 1.0]),
        ([0.5, "a"], [0.5, 1.0]),
        ([2.0, "b"], [0.0, 0.0]),
    ],
)
def test_clear_numbers(values: list[object], expected: list[float]) -> None:
    assert first(one(labels_file(values)))[: len(values)] == expected


def test_one_stray_number_is_unknown() -> None:
    report = one(labels_file([1, 2, 7]))
    assert report.unknown_labels == {"'7'": (4,)}
    assert report.matched == 2


@pytest.mark.parametrize("value", [True, False])
def test_booleans_are_unknown(value: bool) -> None:
    report = one(json.dumps({"p1": value, "p2": "a"}))
    assert report.unknown_labels == {repr(value): (1,)}


# --- What does not fit --------------------------------------------------------------------------------------------------------------


def test_unknown_words_are_shown_with_their_rows_and_never_used() -> None:
    report = one("pair_id,x\np1,a\np2,perhaps\np3,Perhaps A\np4,perhaps\n")
    assert report.unknown_labels == {"'perhaps'": (3, 5), "'Perhaps A'": (4,)}
    assert np.isnan(report.verdicts[1:]).all()
    assert any("3 unknown labels" in line and "line 3, 5" in line for line in report.summary())


def test_unknown_ids_missing_pairs_and_duplicates_are_counted() -> None:
    report = one("pair_id,x\np1,a\np1,A\nzz,b\np2,none\n")
    assert (report.matched, report.missing, report.missing_examples) == (1, 3, ("p2", "p3", "p4"))
    assert (report.unknown_ids, report.unknown_id_examples, report.duplicates, report.no_verdict) == (1, (("'zz'", 4),), 1, 1)
    assert len(report.summary()) == 7


def test_contradictions_are_refused_by_id_and_row() -> None:
    with pytest.raises(LabelError, match=r"'p2' is 'b' in line 3 and 'tie' in line 5"):
        one("pair_id,x\np1,a\np2,b\np3,a\np2,tie\n")
    report = one("pair_id,order,x\np1,ab,a\np1,BA,b\n")
    assert (report.matched, report.order_inconsistent, report.share_a) == (1, 1, 0.5)


def test_a_report_without_verdicts_is_not_usable() -> None:
    report = one("pair_id,x\nq,a\n")
    assert not report.usable
    assert math.isnan(report.share_a)
    with pytest.raises(LabelError, match="No pair has a verdict"):
        report.join(dataset(4))


def test_place_words_with_an_order_are_pointed_out() -> None:
    assert any("turn these labels round" in note for note in one("pair_id,order,label\np1,ba,first\n").notes)
    assert not one("pair_id,order,label\np1,ba,a\n").notes


def test_a_list_of_another_length_is_refused_with_both_numbers() -> None:
    for text in ('["a", "b", "a"]', '"a"\n"b"\n"a"\n', "a\nb\na\n", "[]"):
        with pytest.raises(LabelError, match=r"list has [03] labels, but the dataset has 4 pairs"):
            one(text)


def test_the_published_example_of_labels_is_for_another_dataset(shared: Path) -> None:
    published = shared / "published_weights" / "example_preference_labels.json"
    with pytest.raises(LabelError, match="5,240 labels, but the dataset has 4 pairs"):
        one(published.read_bytes())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,x\np1,a\n", "no column pair_id"),
        ("label\na\nb\na\n", "first line 'label' is not a label"),
        ("pair_id,judge\np1,x\n", "judge but no column label"),
        ("pair_id,score_a\np1,3\n", "score_a but no score_b"),
        ("pair_id,logprob_b\np1,3\n", "logprob_b but no logprob_a"),
        ("pair_id,label,p_a\np1,a,0.5\n", "two kinds of labels"),
        ("pair_id,x,x.ab\np1,a,a\n", "order is said twice"),
        ("pair_id,order,x.ab\np1,ab,a\n", "order is said twice"),
        ("pair_id,order,x\np1,first,a\n", "The order is 'first'"),
        ("pair_id,label,Label\np1,a,a\n", "same name"),
        ("pair_id,order\np1,ab\n", "no column of labels"),
        ("pair_id,<b>\np1,a\n", "markup"),
        ("pair_id," + "x" * 81 + "\np1,a\n", "81 characters"),
        ('[{"pair_id": "p1", "x": "a"}, "b"]', "Some values are objects"),
        ('{"pair_id": "p1", "\\ud800": "a"}', "half a character"),
        ("pair_id," + ",".join(f"j{i}" for i in range(201)) + "\np1" + ",a" * 201, "more than 200 judges"),
        ("pair_id,judge,label\n" + "".join(f"p1,j{i},a\n" for i in range(201)), "more than 200 judges"),
    ],
)
def test_every_fault_of_form_has_its_own_words(text: str, words: str) -> None:
    with pytest.raises(LabelError, match=words):
        one(text)


def test_names() -> None:
    with pytest.raises(LabelError, match="no name"):
        read_labels(b'{"p1": "a"}', "f", dataset(1))
    taken = dataset(2, {"x": [1.0, 0.0]})
    with pytest.raises(LabelError, match="already a judge"):
        read_labels(b"pair_id,x\np1,a\n", "f", taken)
    (report,) = read_labels(b"pair_id,x\np1,a\n", "f", taken, rename={"x": "x again"})
    assert report.judge == "x again"
    with pytest.raises(LabelError, match="no pairs"):
        read_labels(b"pair_id,x\np1,a\n", "f", dataset(0))


# --- Files that can't be read -------------------------------------------------------------------------------------------------------

MANY = ",".join(f"c{i}" for i in range(1_000_000))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"a,b\n1,\x00\n", "NUL byte at byte 6"),
        (bytes(range(1, 32)) * 9, "control characters"),
        ("a,b\n1,2".encode("utf-16-le"), "NUL byte"),
        (b"PK\x03\x04\x14\x00", "ZIP file is broken"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"a,b\n1,2\n3,\xff\n", "not valid UTF-8: byte 10 is 0xff.*line 3"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", "byte 9 is 0xff.*line 2"),
        (b"\xff\xfea", "not valid UTF-16"),
        (b"[1,\n 2,,]", "malformed.*line 2, column 4"),
        (b'{"a": 1}\n{"b": }\n', "malformed.*line 2, column 7"),
        (b'{"a": 1, "a": 2}', "key 'a' comes twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "impossible number"),
        (b"a,b\n1,2\n\n1,2,3\n", r"row has 3 cells.*line 4 \(row 2\)"),
        (b"a,b,a\n1,2,3\n", "column 'a' comes twice.*column 3"),
        (b'a,b\n1,"x\n', "can't be split.*line 2"),
        (b"a,b\n", "header and no rows"),
        (b"PAR1" + bytes(20) + b"PAR1", "Parquet file is broken"),
        (b"\x1f\x8b\x08\x00abc", "gzip file is broken"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "gzip file is broken"),
        (gzip.compress(gzip.compress(b"a", mtime=0), mtime=0), "another gzip"),
        (MANY.encode(), "1,000,000 columns"),
        (b"a,b\n" + b"," * 1_000_000, "1,000,001 columns"),
        (",".join(f"c{i}" for i in range(5001)).encode(), "5,001 columns"),
    ],
)
def test_every_fault_of_a_file_has_its_own_words(data: bytes, words: str) -> None:
    start = time.perf_counter()
    with pytest.raises(FileError, match=words):
        read_table(data, "labels.csv")
    assert time.perf_counter() - start < 2


def test_sizes_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="unpacks to more than 200 MB"):
        read_table(gzip.compress(bytes(210_000_000), 1), "bomb.csv.gz")
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(FileError, match=r"300 MB.*at most 200 MB"):
        read_table(large, "large.csv")
    with pytest.raises(FileError, match="can't be opened"):
        read_table(tmp_path / "none.csv", "none.csv")
    with pytest.raises(FileError, match="can't be opened"):
        read_table(tmp_path, "folder")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, end: str) -> None:
    table = read_table(end.join(["pair_id;x", "é;None", '"1;2";"a""b"']).encode(encoding), "labels.parquet")
    assert table.rows == [{"pair_id": "é", "x": "None"}, {"pair_id": "1;2", "x": 'a"b'}]
    assert [table.place(i) for i in range(2)] == ["labels.parquet, line 2", "labels.parquet, line 3"]


def test_parquet_keeps_values() -> None:
    rows: list[dict[str, object]] = [{"pair_id": "007", "labels": {"x": None}, "n": 1}, {"pair_id": "None", "labels": {"x": "a"}, "n": 2}]
    table = read_table(parquet(rows), "x.csv")
    assert (table.kind, list(table.rows), table.columns) == ("parquet", rows, ("pair_id", "labels", "n"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=bad_bytes(), meaning=st.sampled_from([None, "a", "b"]))
def test_ill_formed_files_raise_input_errors_only(data: bytes, meaning: str | None) -> None:
    try:
        reports = read_labels(data, "bad", dataset(2), judge="new", meaning_of_one=meaning)  # type: ignore[arg-type]
    except InputError:
        return
    for report in reports:
        assert report.summary()
        assert ((report.verdicts >= 0) & (report.verdicts <= 1) | np.isnan(report.verdicts)).all()


# --- Agreement ----------------------------------------------------------------------------------------------------------------------


def spread(table: list[list[int]]) -> tuple[list[float], list[float]]:
    """Two judges whose verdicts have this table of counts; rows and columns A, tie, B."""
    sides = (1.0, 0.5, 0.0)
    pairs = [(sides[i], sides[j]) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    return [a for a, _ in pairs], [b for _, b in pairs]


def test_kappa_by_hand() -> None:
    """45 and 15 on the diagonal, 25 and 15 off it: 60 % agree, 0.6*0.7 + 0.4*0.3 = 54 % by chance."""
    found = cohen_kappa(*spread([[45, 0, 15], [0, 0, 0], [25, 0, 15]]))
    assert found.n == 100
    assert found.percent == pytest.approx(60)
    assert found.kappa == pytest.approx(0.06 / 0.46)
    # By the formula: A = .45(1-1.3*.8696)^2 + .15(1-.7*.8696)^2, B = .8696^2(.15*(.7+.4)^2 + .25*(.3+.6)^2), C = (.1304-.54*.8696)^2.
    error = math.sqrt(0.0076560 + 0.0229679 + 0.2903592 - 0.1150095) / (0.46 * 10)
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * error, rel=1e-4)


@CALM
@given(st.lists(st.integers(1, 40), min_size=9, max_size=9))
def test_the_standard_error_is_that_of_the_delta_method(counts: list[int]) -> None:
    def kappa(shares: np.ndarray) -> float:
        observed, expected = np.trace(shares), shares.sum(axis=1) @ shares.sum(axis=0)
        return float((observed - expected) / (1 - expected))

    table = np.array(counts, dtype=float).reshape(3, 3)
    n, shares, step = table.sum(), table / table.sum(), 1e-6
    gradient = np.zeros((3, 3))
    for cell in np.ndindex(3, 3):
        change = np.zeros((3, 3))
        change[cell] = step
        gradient[cell] = (kappa(shares + change) - kappa(shares - change)) / (2 * step)
    variance = ((shares * gradient**2).sum() - (shares * gradient).sum() ** 2) / n
    found = cohen_kappa(*spread(table.astype(int).tolist()))
    assert found.kappa == pytest.approx(kappa(shares))
    if found.low > -1 and found.high < 1:
        assert (found.high - found.low) / 2 == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-3)


@pytest.mark.parametrize(
    ("first_labels", "second_labels", "reason"),
    [
        ([math.nan, 1.0], [1.0, math.nan], "no pair"),
        ([1.0, 0.9], [0.7, 1.0], "always give the same"),
        ([1.0, 0.0], [1.0, 0.0], "agree on every pair"),
        ([1.0, 1.0], [0.0, 0.0], "standard error is 0"),
    ],
)
def test_kappa_that_is_not_defined_says_why(first_labels: list[float], second_labels: list[float], reason: str) -> None:
    found = cohen_kappa(first_labels, second_labels)
    assert reason in found.reason
    assert math.isnan(found.low)


def test_kappa_with_each_judge_of_the_dataset() -> None:
    pairs = dataset(4, {"same": [1.0, 0.0, 0.5, 1.0], "other": [0.0, 1.0, 0.5, math.nan]})
    (report,) = read_labels(b"pair_id,new\np1,a\np2,b\np3,tie\np4,0.9\n", "f", pairs)
    table = report.kappa.set_index("judge")
    assert table.loc["same", "kappa"] == 1
    assert table.loc["other", "n"] == 3
    assert list(report.kappa.columns) == ["judge", "kappa", "low", "high", "n", "percent", "reason"]


def test_labels_need_neither_streamlit_nor_pymc_nor_pyarrow() -> None:
    code = "import sys, dissection.labels; print([m for m in ('streamlit', 'pymc', 'pyarrow.parquet') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("content", [b'{"pair_id": "p1", "labels": {"x": "a"}}\n', b"pair_id,response_a,response_b\np1,yes,no\n"])
def test_a_dataset_is_not_read_as_labels(content: bytes) -> None:
    with pytest.raises(LabelError, match=r"dataset of pairs.*whole dataset"):
        read_labels(content, "pairs", dataset())
