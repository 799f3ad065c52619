"""What tests of several modules share."""

import asyncio
import os
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from dissection import cli
from dissection.dataset import BoolArray, FloatArray, PairDataset
from dissection.judges import Judge
from dissection.properties import Property
from tests import browser as browser_tools

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Other work on the same cores must not fail a test; nor may what is drawn anew in each run: `--hypothesis-profile=random` looks for more.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("repeatable")

T = TypeVar("T")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def posterior_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for sampled cells, of this run's tests and of the servers that they start."""
    folder = tmp_path_factory.mktemp("store")
    os.environ["DISSECTION_CACHE"] = str(folder)
    # Nothing that a test publishes may come to where this machine's owner keeps things.
    os.environ.pop("DISSECTION_STORE", None)
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository; the test is skipped where it is absent, and fails if everything must be tested."""
    if not SHARED.is_dir():
        reason = f"needs the real data in {SHARED}, which is not there"
        if os.environ.get("REQUIRE_ALL_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED


@pytest.fixture(scope="session")
def published(shared: Path) -> Path:
    """The folder of the published weights."""
    return shared / "published_weights" / "fitted_paras_comparison"


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Browser]":
    """One browser for all; the tests are skipped where there is none, and fail if everything must be tested."""
    if reason := browser_tools.missing():
        if os.environ.get("REQUIRE_ALL_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = browser_tools.launch(playwright)
        yield found
        found.close()


@pytest.fixture
def visitor(chromium: "Browser") -> "Iterator[Page]":
    page = browser_tools.new_page(chromium)
    yield page
    page.context.close()


@pytest.fixture
def friend(chromium: "Browser") -> "Iterator[Page]":
    """Someone else, to whom a link is sent."""
    page = browser_tools.new_page(chromium)
    yield page
    page.context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a browser test that fails: what its pages show, as the screen is gone afterwards."""
    report = yield
    if report.failed and call.when == "call":
        for name, found in getattr(item, "funcargs", {}).items():
            if isinstance(found, browser_tools.Page):
                report.sections.append((f"{name}'s page", browser_tools.in_view(found)))
    return report


def ended(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives, in a thread of its own: Playwright keeps an event loop in that of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def command(*words: object) -> int:
    """A command as it is called in a shell, but for its faults, which are raised."""
    options = cli._parser().parse_args([str(word) for word in words])
    status: int = options.command(options)
    return status


def make_pairs(n: int, scenarios: Sequence[str] = ("All",)) -> pd.DataFrame:
    """The frame of n pairs p1, p2, … without texts, the scenarios dealt out in turn."""
    pairs = pd.DataFrame(
        {name: pd.Series([None] * n, dtype=object) for name in ("scenario", "query", "response_a", "response_b", "model_a", "model_b")}
    )
    pairs["scenario"] = pd.Series([scenarios[i % len(scenarios)] for i in range(n)], dtype=object)
    return pairs.set_axis(pd.Index([f"p{i + 1}" for i in range(n)], name="pair_id", dtype=object))


def make_dataset(
    n: int = 60,
    d: int = 3,
    weights: Mapping[str, Sequence[float]] | None = None,
    scenarios: Sequence[str] = ("Code", "Advice"),
    conditions: Mapping[str, BoolArray] | None = None,
    seed: int = 0,
    *,
    position_bias: float = 0.0,
    both_orders: bool = False,
) -> PairDataset:
    """Random comparisons and hard verdicts of judges with the given weights.

    Args:
        n: pairs.
        d: properties "p0", "p1", ….
        weights: judge → (d,) weights in log-odds; None: "one" and "two", who disagree on the first property.
        scenarios: dealt out in turn.
        conditions: as in `PairDataset`.
        seed: of everything random.
        position_bias: log-odds for what is shown first.
        both_orders: ask every judge in both orders.
    """
    rng = np.random.default_rng(seed)
    if weights is None:
        weights = {"one": [1.0] + [0.0] * (d - 1), "two": [-1.0] + [0.2] * (d - 1)}
    comparisons = rng.integers(-1, 2, size=(n, d)).astype(float)
    verdicts: FloatArray = np.full((n, len(weights), 2), np.nan)
    for column, taste in enumerate(weights.values()):
        for order in range(1 + both_orders):
            log_odds = comparisons @ np.asarray(taste, dtype=float) + position_bias * (1 - 2 * order)
            verdicts[:, column, order] = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    return PairDataset(
        name="made up",
        pairs=make_pairs(n, scenarios),
        properties=tuple(Property(f"p{i}") for i in range(d)),
        comparisons=comparisons,
        scores=np.full((n, d, 2), np.nan),
        judges=tuple(Judge(name) for name in weights),
        verdicts=verdicts,
        conditions=dict(conditions or {}),
    )
