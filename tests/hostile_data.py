"""A dataset with a hostile string in every field, a page's check that none of them came to life, and a server whose calls are written down."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests import browser as web

# What would come of them if they were read as HTML, Markdown, Streamlit's additions to it, LaTeX, or Plotly's markup and templates.
STRINGS = (
    "<img src=http://evil.test/x.png data-evil onerror=window.__pwned=1>",
    "1. evil-item",
    "**evil-bold** __evil-bold__ *evil-italic* ~~evil-del~~ `evil-code`",
    "<b>evil-b</b><br>%{customdata[0]} %{x} {{evil}} ${evil} <extra>evil</extra>",
    "[evil-link](javascript:window.__pwned=2) [evil-link](http://evil.test/) ![evil](http://evil.test/i.png)",
    ":material/evil_icon: :material_evil_icon: :streamlit: :skull: :red[evil-red] :blue-badge[evil-badge]",
    '<a data-evil href="http://evil.test/a" target=_top>evil-anchor</a>',
    "&lt;evil-entity&gt; &#60;img src=http://evil.test/e.png data-evil&#62;",
    "<script data-evil>window.__pwned=3</script>",
    "evil -> arrow",
    "$\\href{http://evil.test/}{evil}$ $$evil^2$$",
    "# evil-heading",
    "http://evil.test/bare www.evil.test evil@evil.test <https://evil.test/auto>",
    "</style></textarea></title><svg data-evil onload=window.__pwned=4><!--",
    '=HYPERLINK("http://evil.test/f","evil")',
    "evil\u202egnp.exe\u2066\u200b\u200d",
    "evil-setext\n===\n\n- evil-item\n\n    evil-block\n\n|a|b|\n|-|-|\n|evil-cell|x|",
    "evil" * 90,
    "> evil-quote",
    "{% evil %} #{evil} ../../../evil \\u003cimg\\u003e",
)
FILE_NAME = "<img src=x data-evil onerror=window.__pwned=5> **evil-bold** :material_evil_icon:.jsonl"

# Words that stand alone in an element only where markup made that element. Streamlit draws an icon as an element with the icon's name in it.
EVIL = """() => {
    const found = [];
    const alone = /^evil[-_](bold|italic|del|code|b|link|icon|red|badge|anchor|item|heading|setext|block|cell|quote|entity)$/;
    const all = [...document.querySelectorAll("*")];
    for (const one of all) {
        const said = one.outerHTML.slice(0, 200);
        if (one.hasAttribute("data-evil")) found.push("element: " + said);
        for (const name of ["href", "src", "xlink:href", "srcset", "action", "formaction", "poster", "data"]) {
            const address = one.getAttribute(name);
            // The app's own links may name a pair or a judge.
            if (/evil|javascript:/i.test(address || "") && new URL(address, location).origin !== location.origin) found.push("address: " + said);
        }
        for (const name of one.getAttributeNames()) if (/^on/i.test(name)) found.push("handler: " + said);
        if (!one.closest("pre, option, td, th") && alone.test(one.textContent.trim())) found.push("markup: " + said);
        if (one.matches(".katex") && /evil/.test(one.textContent)) found.push("formula: " + said);
        if (one.matches("img[alt='Streamlit logo']") && one.closest("[data-testid=stMain], [data-testid=stSidebar]")) found.push("logo: " + said);
        if (one.matches("[data-testid=stException]")) found.push("exception: " + said);
    }
    const words = document.body.textContent;
    for (const changed of ["💀", "<evil-entity>", "evil → arrow"]) if (words.includes(changed)) found.push("changed: " + changed);
    for (const chart of document.querySelectorAll(".js-plotly-plot")) {
        const look = (part, path) => {
            if (typeof part === "string") {
                const live = /<(img|a|script|svg|extra)\\b[^>]*(evil|>evil)|<b>evil-b<|<br>%/i.test(part);
                if (path.endsWith("template") ? /evil/.test(part) : live) found.push("chart: " + path + " " + part.slice(0, 200));
            } else if (part && typeof part === "object" && path.length < 120) {
                for (const [key, inner] of Object.entries(part)) look(inner, path + "." + key);
            }
        };
        // What no template shows of a point is for clicks alone.
        const shown = trace => /customdata/.test(trace.hovertemplate + trace.texttemplate) ? trace : {...trace, customdata: null};
        look(chart.data.map(shown), "data");
        look({...chart.layout, template: null}, "layout");
    }
    if (window.__pwned !== undefined) found.push("script " + window.__pwned);
    return [...new Set(found)];
}"""

_HOOK = """
import json, os, sys
_file = os.open(os.environ["DISSECTION_TEST_CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def _heard(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        where = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[:2]
        os.write(_file, (json.dumps([event, repr(where)]) + "\\n").encode())
sys.addaudithook(_heard)
_log = os.open(os.environ["DISSECTION_TEST_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.dup2(_log, 1)
os.dup2(_log, 2)
"""


def rows(n: int = 160, turn: int = 0) -> list[dict[str, Any]]:
    """Pairs of the native form, with tastes that can be seen; `turn` says which strings are judges, which properties, and so on."""
    rng = np.random.default_rng(turn)
    names = [STRINGS[(place * 7 + turn) % len(STRINGS)] for place in range(len(STRINGS))]
    judges, properties, scenarios, conditions = names[:7], names[7:14], names[14:18], names[18:]
    comparisons = rng.integers(-1, 2, size=(n, len(properties)))
    odds = comparisons @ rng.normal(0, 1.5, (len(properties), len(judges))) + rng.logistic(size=(n, len(judges)))
    return [
        {
            "pair_id": f"{STRINGS[i % len(STRINGS)]} {i}",
            "scenario": scenarios[i % len(scenarios)],
            "conditions": [conditions[i % 2]],
            "query": f"{' '.join(STRINGS[i % 5 :])} {i}",
            "response_a": "\n".join(STRINGS),
            "response_b": f"{STRINGS[(i + 3) % len(STRINGS)]} {i}",
            "model_a": STRINGS[i % 3],
            "model_b": STRINGS[3 + i % 3],
            "labels": {judge: "a" if odds[i, place] > 0 else "b" for place, judge in enumerate(judges)},
            "properties": {name: {"comparison": int(comparisons[i, place])} for place, name in enumerate(properties)},
            "meta": {
                STRINGS[0]: STRINGS[i % 4],
                "round": f"{STRINGS[5]} {i % 3}",
                **{f"criterion.{judges[1]}.{name}": "ab"[int(comparisons[i, place] > 0)] for place, name in enumerate(properties[:3])},
            },
            STRINGS[2]: STRINGS[i % 4],
        }
        for i in range(n)
    ]


def lines(found: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in found).encode()


class Watched(NamedTuple):
    """A server, the file of its log, and the file of the addresses that its processes connected to or looked up."""

    base: str
    log: Path
    calls: Path

    def called(self) -> list[str]:
        """Each [event, address], as JSON."""
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []


@contextmanager
def watched(folder: Path, file: Path | None = None, **environ: str) -> Iterator[Watched]:
    """A server on the file, whose outgoing connections are written down by Python's own audit events, in whatever process it starts."""
    (folder / "hook").mkdir()
    (folder / "hook" / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    found = Watched("", folder / "server.log", folder / "calls")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DISSECTION_TEST_SERVER", raising=False)
        for name, value in {
            **environ,
            "PYTHONPATH": f"{folder / 'hook'}{os.pathsep}{web.ROOT}",
            "DISSECTION_TEST_CALLS": str(found.calls),
            "DISSECTION_TEST_LOG": str(found.log),
        }.items():
            patch.setenv(name, value)
        with web.served(file=file) as base:
            yield found._replace(base=base)


class Visit(NamedTuple):
    """A visitor's page, and what it asked of other hosts than the app's: it may ask nothing of them."""

    page: Page
    base: str
    others: list[str]

    def check(self, where: str) -> None:
        assert self.page.evaluate(EVIL) == [], where
        assert self.others == [], where


@contextmanager
def visit(browser: Browser, base: str) -> Iterator[Visit]:
    """A visitor who writes down what leaves for another host; nothing of that gets there, and a dialog would fail the visit."""
    page = web.new_page(browser)
    found = Visit(page, base, [])
    own = (base, base.replace("http", "ws", 1), "data:", "blob:")
    page.context.route(lambda url: not url.startswith(own), lambda route: route.abort())
    page.context.on("request", lambda request: None if request.url.startswith(own) else found.others.append(request.url))
    page.on("websocket", lambda socket: None if socket.url.startswith(own) else found.others.append(socket.url))
    page.on("dialog", lambda dialog: (found.others.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.context.on("page", lambda other: found.others.append(f"window {other.url}"))
    try:
        yield found
    finally:
        page.context.close()
