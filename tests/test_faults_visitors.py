"""Addresses that a hostile hand wrote, with every parameter fuzzed on every page; and two tabs of one visitor."""

import ast
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dissection.community.folder import FolderStore
from tests.browser import ROOT
from tests.test_community_page import agree, fill, mine, own, press, put, store
from tests.test_pages import PAGES, TITLES, Open, go, open_page, options, rows, run, text, upload, write

__all__ = ["open_page", "store"]  # the fixtures

KEYED = {"keep": 0, "choice": 2, "one_judge": 2, "some_judges": 1}  # function → the place of the parameter's name
VIEWS = {"compare", "simview", "styleview", "swayview", "annotateview", "ask", "scoreview", "view", "kind"}
EXAMPLES = 3 * int(os.environ.get("FUZZ_EXAMPLES", "1"))


def parameters() -> tuple[set[str], dict[str, list[str]]]:
    """Every name that a page reads from its address; and what those of `VIEWS` may be, as far as the source has it in one place."""
    names, words = {"data", "whatif", "pair", "judge"}, {}
    for path in [*(ROOT / "pages").glob("*.py"), *(ROOT / "dissection" / "dashboard").glob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tables = {
            node.targets[0].id: [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            place = KEYED.get(getattr(node.func, "attr", getattr(node.func, "id", "")))
            given = [*node.args, *(word.value for word in node.keywords if word.arg == "key")]
            if (
                place is None
                or len(given) <= min(place, len(node.args))
                or not isinstance(given[-1 if len(given) <= place else place], ast.Constant)
            ):
                continue
            name = given[-1 if len(given) <= place else place].value
            names.add(name)
            if name in VIEWS:
                words[name] = next((tables[used.id] for used in ast.walk(node) if isinstance(used, ast.Name) and used.id in tables), [])
    return names, words


NAMES, WORDS = parameters()
HOSTILE = (
    "",
    " ",
    "None",
    "nan",
    "-1",
    "1e999",
    "9" * 5_000,
    "True",
    "[]",
    "{}",
    "../../etc/passwd",
    "own-00000000",
    "own-" + "f" * 8,
    "demo",
    "file",
    "one",
    "Code",
    "polite",
    "p001",
    "polite=1,longer=-1",
    "\x00\x07\x1b[31m",
    "\u202egnp.exe\u2066",
    "a\r\nSet-Cookie: x=1",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1)) ![y](https://example.org/z.png) `$\\frac{1}{0}$`",
    "{{7*7}} ${7*7} %s %(x)s {0.__class__}",
    "'; DROP TABLE pairs; --",
    "*" * 2_000,
    "(" * 500,
    "(a+)+$",
    "\U0001f9d1\u200d\U0001f680" * 300,
)
values = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
addresses = st.dictionaries(st.sampled_from(sorted(NAMES - VIEWS)), st.lists(values, min_size=1, max_size=3), min_size=len(NAMES) // 2)
views = st.fixed_dictionaries({}, optional={name: st.sampled_from(words) for name, words in WORDS.items() if words})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hostile"), rows(n=24))


def test_the_names_are_found() -> None:
    assert {"data", "group", "judge", "judges", "view", "sort", "b", "engine", "whatif", "pair", "kind", "entry", "find", "draws"} <= NAMES
    assert len(NAMES) > 60
    assert sum(map(bool, WORDS.values())) >= 7


@pytest.mark.parametrize("page", PAGES)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(hostile=addresses, view=views)
def test_no_address_breaks_a_page(open_page: Open, data: Path, page: str, hostile: dict[str, list[str]], view: dict[str, str]) -> None:
    at = open_page("method", data)
    for name, value in {**hostile, **view}.items():
        at.query_params[name] = value
    go(at, page)
    assert at.title[0].value == TITLES[page]
    assert not re.search(r"(?<!\\)<(script|img)|(?<!\\)\]\(javascript:", text(at)), "what is said of it is escaped"
    known = {name: value for name, value in at.query_params.items() if name in NAMES}
    run(at)
    assert {name: value for name, value in at.query_params.items() if name in known} == known, "what is shown is in the address now"


def test_an_address_that_is_not_understood_is_said(open_page: Open, data: Path) -> None:
    at = open_page("pairs", data, data="own-00000000", judge="<b>nobody</b>", pair="[x](y)")
    assert "another visitor uploaded" in at.warning[0].value
    at = open_page("dissect", data, data="<script>")
    assert "names data that this server does not have" in at.warning[0].value


# --- Two tabs ---------------------------------------------------------------------------------------------------------------------


def test_two_tabs_do_not_disturb_each_other(open_page: Open, data: Path) -> None:
    first, second = open_page("dissect", data), open_page("dissect", data)
    first.selectbox(key="group").set_value("Code")
    run(first)
    assert run(second).selectbox(key="group").value == "All pairs"
    go(first, "upload").button_group(key="kind").set_value("dataset")
    press(upload(run(first), mine(judges=["new"]), "new.jsonl"), "open")
    assert "new.jsonl (yours)" in options(first, "data")
    assert "new.jsonl (yours)" not in options(run(second), "data"), "what is uploaded in a tab is of that tab"


def test_two_tabs_publish_the_same(open_page: Open, store: FolderStore) -> None:
    first, second = (agree(fill(own(open_page))) for _ in range(2))
    press(first, "publish")
    press(second, "publish")
    assert "removal key" in first.success[0].value
    assert "The same content is already in the community" in second.error[0].value
    assert len(store.listing().cards) == 1


def test_two_tabs_remove_the_same(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    published = put(store, tmp_path)
    store.remove(published.card.id, published.key)
    at = open_page("community", entry=published.card.id)
    assert not at.error
    assert "Nothing has been published" in text(at)
