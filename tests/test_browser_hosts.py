"""In Chromium: whom the server calls while somebody uses it, and that no secret stays anywhere: one visit with every kind of them."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as web
from tests import hostile_data as hostile
from tests.chat_server import ChatServer, PlantedJudge
from tests.hostile_data import Visit, Watched
from tests.hub_fixtures import SET, pairs, parquet
from tests.hub_server import HubServer
from tests.test_browser import attach
from tests.test_browser_community import agree, in_view, pause, write
from tests.test_browser_hostile import turn_to
from tests.test_browser_judges import press

pytestmark = pytest.mark.browser

OWNERS_TOKEN, VISITORS_TOKEN, EXPIRED_TOKEN = "hf_ownerownerowner", "hf_visitorvisitorvisitor", "hf_expiredexpiredexpired"
OWNERS_KEY, VISITORS_KEY, WRONG_KEY = "sk-ownerownerowner", "sk-visitorvisitorvisitor", "sk-wrongwrongwrongwrong"
SECRETS = (OWNERS_TOKEN, VISITORS_TOKEN, EXPIRED_TOKEN, OWNERS_KEY, VISITORS_KEY, WRONG_KEY)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as found:
        found.tokens = {OWNERS_TOKEN, VISITORS_TOKEN}
        found.members = {VISITORS_TOKEN}
        found.add(SET, {"data/train-00000-of-00001.parquet": parquet(pairs(40))}, gated=True)
        yield found


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with ChatServer(PlantedJudge({}, bias=0.4), key=VISITORS_KEY) as found:
        yield found


@pytest.fixture
def server(chromium: Browser, hub: HubServer, tmp_path: Path) -> Iterator[Watched]:  # noqa: ARG001 -- no server where there is no browser
    for name in ("store", "temporary"):
        (tmp_path / name).mkdir()
    environ = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hub"),
        "HF_TOKEN": OWNERS_TOKEN,
        "DISSECTION_ENDPOINT_KEY": OWNERS_KEY,
        "DISSECTION_PRIVATE_ENDPOINTS": "1",
        "DISSECTION_JOURNALS": str(tmp_path / "journals"),
        "DISSECTION_CACHE": str(tmp_path / "cache"),
        "DISSECTION_STORE": str(tmp_path / "store"),
        "TMPDIR": str(tmp_path / "temporary"),
    }
    (tmp_path / "small.parquet").write_bytes(parquet(pairs(60)))
    with hostile.watched(tmp_path, tmp_path / "small.parquet", **environ) as found:
        yield found


@pytest.fixture
def guest(chromium: Browser, server: Watched) -> Iterator[Visit]:
    with hostile.visit(chromium, server.base) as found:
        yield found


def secret(page: Page, label: str, words: str) -> None:
    """Fill in a password field."""
    page.get_by_label(label, exact=True).fill(words)
    page.keyboard.press("Enter")
    pause(page)


def untold(page: Page) -> None:
    """Nothing that is shown, or in the address, is a secret."""
    said = page.url + page.locator("body").inner_text()
    assert not [word for word in SECRETS if word in said]


def downloads_from_the_hub(page: Page) -> None:
    """Asked in vain by the owner's token and by one that expired, then by the visitor's."""
    write(page, "Address", SET)
    for token in ("", EXPIRED_TOKEN, VISITORS_TOKEN):
        secret(page, "Token, for gated or private datasets", token)
        if page.get_by_role("button", name="Look what is there").count():
            press(page, "Look what is there")
        page.get_by_role("button", name="Download (").or_(page.locator("[data-testid=stAlert]")).first.wait_for()
        pause(page)
        untold(page)
        if not page.get_by_role("button", name="Download (").count():
            continue
        press(page, r"Download \(")
        page.get_by_role("button", name="Put away").wait_for()
        pause(page)
        untold(page)
        if not page.get_by_role("button", name="Open it").count():
            press(page, "Put away")
            pause(page)
    page.locator(".st-key-hub_open button").click()
    web.settled(page)
    turn_to(page, "judges")
    in_view(page, "owner/name")


def asks_a_model(page: Page, model: ChatServer) -> None:
    """With no key, with a wrong one, then with the right one."""
    write(page, "Address", model.url)
    write(page, "Name of the model", "m")
    for key in ("", WRONG_KEY, VISITORS_KEY):
        secret(page, "Key or token", key)
        before = model.requests
        press(page, "Dry run on the first five")
        page.wait_for_timeout(500)
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        web.settled(page)
        assert model.requests > before
        untold(page)
    expect(page.get_by_text("Prompts and replies of the dry run")).to_be_visible()


def publishes(page: Page) -> str:
    """The removal key of the dataset in view."""
    write(page, "Title", "Mine")
    write(page, "Description", "Made up")
    web.choose(page, "Licence", "CC0-1.0")
    pause(page)
    agree(page)
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("This is its removal key").wait_for()
    found = page.locator(".st-key-published [data-testid=stCode]").inner_text().strip()
    press(page, "I have kept it")
    return found


def kept(folder: Path) -> dict[str, bytes]:
    """Every file that the server wrote, unpacked where it is packed."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and "hook" not in path.parts:
            content = path.read_bytes()
            found[str(path.relative_to(folder))] = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return found


def test_whom_the_server_calls_and_where_secrets_stay(
    guest: Visit, server: Watched, hub: HubServer, model: ChatServer, tmp_path: Path
) -> None:
    page = guest.page
    web.open_page(page, server.base)
    for path in ("dissect", "pairs", "judges", "community"):
        turn_to(page, path)
        web.settled(page)
    turn_to(page, "upload")
    web.settled(page)
    attach(page, "labels.csv", b"pair_id,mine\nnobody,a\n")
    page.locator("[data-testid=stAlert]").first.wait_for()
    assert server.called() == [], "nobody was to be called by looking at pages and by an upload"
    assert guest.others == []

    page.get_by_role("radio", name="A dataset of the Hub").click()
    web.settled(page)
    downloads_from_the_hub(page)
    ports = {urlsplit(url).port for url in (hub.url, hub.cdn_url)}
    assert server.called()
    assert all(any(str(port) in call for port in ports) for call in server.called())
    sent = " ".join(asked.headers.get("authorization", "") for asked in hub.asked)
    assert all(token in sent for token in (OWNERS_TOKEN, EXPIRED_TOKEN, VISITORS_TOKEN)), "each was used where it is meant for"

    asks_a_model(page, model)
    ports.add(urlsplit(model.url).port)
    assert all(any(str(port) in call for port in ports) for call in server.called())
    sent = " ".join(head.get("authorization", "") for head in model.heads)
    assert all(key in sent for key in (OWNERS_KEY, WRONG_KEY, VISITORS_KEY))

    turn_to(page, "community")
    removal = publishes(page)
    turn_to(page, "export")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the report").click()
    waiting.value.save_as(tmp_path / "report.html")
    untold(page)
    files = kept(tmp_path)
    assert {path.split("/")[0] for path in files} >= {"server.log", "hub", "journals", "store", "report.html"}
    told = [(path, word) for path, content in files.items() for word in (*SECRETS, removal) if word.encode() in content]
    assert told == []
    assert guest.others == []
