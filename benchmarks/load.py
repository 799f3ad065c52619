"""Many visitors at the same time, on the demo: `python -m benchmarks.load`.

Most sessions are web sockets that speak Streamlit's protocol and do what a visitor does (`benchmarks.load_visits`): turn to another page,
choose from what the page offers, open a table, think. A few are pages of Chromium that do the same. Some upload a dataset of 5,000 pairs or a
judge's labels, and some start the full analysis of a few cells at the same moment. After a few minutes a visitor
closes the tab, with what was uploaded, and the next one comes. A rerun's time goes from sending what was chosen until the server says that the
script has finished; "drawn" is what a browser needs until nothing changes any more.

The server runs on this machine, in a process of its own; so do the driver and the browsers, whose share of the processor is printed.
Goals: no error, 95 % of the reruns under one second, memory flat after warm-up (the first third), jobs that advance together.
"""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import load_server as machine
from benchmarks.load_visits import PROGRESS, Diary, Done, Visitor, dataset_file, labels_file, run_job, upload_dataset, upload_labels

GOAL_SECONDS = 1.0
FIRST_UPLOAD, LAST_UPLOAD, JOBS_AT = 0.05, 0.85, 0.4  # of the time
# What is waited for, and is no rerun: files on their way, drawing in the browser, fragments that draw themselves anew.
NO_RERUN = ("upload: transfer", "drawn", PROGRESS)
PARTS = ("server", "driver", "browsers")
KNOWN_ERRORS = 20


async def crowd(options: argparse.Namespace, address: str, pid: int | None, diary: Diary) -> tuple[list[Visitor], dict[str, float]]:
    """Let all visitors come, do what they do, and go; the scripted ones, and how many cores each part of the test used in the meantime."""
    until = 60.0 * options.minutes
    scripted = [
        Visitor(f"session {i + 1}", address, diary, options.think, options.seed + i, 60.0 * options.stay)
        for i in range(options.sessions - options.browsers)
    ]
    errands: list[list[Any]] = [[] for _ in scripted]
    for number in range(options.uploads):
        part = FIRST_UPLOAD + (LAST_UPLOAD - FIRST_UPLOAD) * number / max(options.uploads - 1, 1)
        errand = upload_labels if number % 2 else upload_dataset
        errands[number % len(errands)].append((part * until, functools.partial(errand, seed=1000 + number)))
    for number in range(options.jobs):
        errands[-1 - number % len(errands)].append((JOBS_AT * until, functools.partial(run_job, number=number)))
    async with contextlib.AsyncExitStack() as stack:
        visits: list[Any] = [visitor.visit(until, errand) for visitor, errand in zip(scripted, errands, strict=True)]
        if options.browsers:
            visits += await _browsers(options, address, diary, until, stack)
        begun = _processors(pid)
        await asyncio.gather(*visits)
        cores = {what: (seconds - begun[what]) / diary.now for what, seconds in _processors(pid).items()}
    return scripted, cores


async def _browsers(options: argparse.Namespace, address: str, diary: Diary, until: float, stack: contextlib.AsyncExitStack) -> list[Any]:
    from playwright.async_api import async_playwright

    from benchmarks.load_browsers import BrowserVisitor
    from tests.browser import ARGUMENTS, CHROMIUM

    playwright = await stack.enter_async_context(async_playwright())
    browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
    visitors = [BrowserVisitor(f"browser {i + 1}", address, diary, options.think, options.seed + 500 + i) for i in range(options.browsers)]
    return [visitor.visit(browser, until) for visitor in visitors]


async def run(options: argparse.Namespace, address: str, pid: int | None) -> dict[str, Any]:
    """The whole test on a server that runs, and what was found."""
    for number in range(options.uploads):  # made before the clock starts
        (labels_file if number % 2 else dataset_file)(1000 + number)
    diary = Diary()
    samples: list[machine.Sample] = []
    used: dict[int, float] = {}
    watching = asyncio.create_task(machine.watch(pid, samples, used)) if pid else None
    visitors, cores = await crowd(options, address, pid, diary)
    if watching:
        watching.cancel()
    workers = sum(used.values()) / diary.now
    # Everything that the server did, divided by the reruns: what other work on the machine does not change.
    runs = len(reruns(diary.done)) + len([done for done in diary.done if done.kind == PROGRESS])
    return {
        "options": {name: value for name, value in vars(options).items() if name != "out"},
        "cores": len(os.sched_getaffinity(0)),
        "seconds": diary.now,
        "kinds": {
            kind: summary([done.seconds for done in diary.done if done.kind == kind]) for kind in sorted({d.kind for d in diary.done})
        },
        "all reruns": summary([done.seconds for done in reruns(diary.done)]),
        "pages": {
            page: summary([d.seconds for d in reruns(diary.done) if d.page == page])
            for page in sorted({d.page for d in reruns(diary.done)})
        },
        "slowest": slowest(reruns(diary.done)),
        "slowest progress": slowest([done for done in diary.done if done.kind == PROGRESS]),
        "errors": [fault._asdict() for fault in diary.faults],
        "received_mb": sum(visitor.received for visitor in visitors) / machine.BYTES_PER_MB,
        "cores_used": cores | {"workers": workers, "others": cores["machine"] - workers - sum(cores[what] for what in PARTS)},
        "processor_seconds_a_rerun": cores["server"] * diary.now / max(runs, 1),
        "memory": memory(samples),
        "jobs": fairness(diary.jobs),
    }


def _processors(pid: int | None) -> dict[str, float]:
    own = os.getpid()
    browsers = [child for child in machine.children(own) if child != pid and not (pid and child in machine.children(pid))]
    return {
        "server": machine.processor_seconds(pid) if pid else float("nan"),
        "driver": machine.processor_seconds(own),
        "browsers": sum(map(machine.processor_seconds, browsers)),
        "machine": machine.machine_seconds(),
    }


def reruns(done: list[Done]) -> list[Done]:
    """What was done that let a script run."""
    return [one for one in done if not any(word in one.kind for word in NO_RERUN)]


def slowest(done: list[Done]) -> list[dict[str, Any]]:
    """What took longest."""
    return [one._asdict() for one in sorted(done, key=lambda one: -one.seconds)[:KNOWN_ERRORS]]


def summary(seconds: list[float]) -> dict[str, float]:
    """How many, and their median, 95th and 99th percentile and largest."""
    if not seconds:
        return {"n": 0}
    middle, most, nearly = np.percentile(seconds, [50, 95, 99])
    return {"n": len(seconds), "median": float(middle), "p95": float(most), "p99": float(nearly), "worst": max(seconds)}


def memory(samples: list[machine.Sample]) -> dict[str, Any]:
    """The memory of the server and of its workers in megabytes, and how flat it is after warm-up."""
    if not samples:
        return {}
    seconds = [sample.seconds for sample in samples]
    found: dict[str, Any] = {"samples": [sample._asdict() for sample in samples]}
    for what in ("server", "workers"):
        values = [getattr(sample, what) for sample in samples]
        flat = machine.flatness(seconds, values)
        found[what] = {"first": values[0], "largest": max(values), "last": values[-1], **(flat._asdict() if flat else {})}
    return found


def fairness(jobs: dict[str, list[tuple[float, int]]]) -> dict[str, Any]:
    """When each job had its first and its last cell, in seconds after it began, and in which order the cells were done."""
    order = sorted((at, name, done) for name, course in jobs.items() for at, done in course if done)
    return {
        "courses": {name: [(round(at - course[0][0], 1), done) for at, done in course] for name, course in jobs.items() if course},
        "order": [name for _, name, _ in order],
    }


def told(found: dict[str, Any]) -> bool:
    """Print what was found; whether all goals were met."""
    print(
        f"{found['cores']} cores, {found['options']['sessions']} sessions ({found['options']['browsers']} browsers), {found['seconds']:.0f} s\n"
    )
    print("| what | n | median, s | 95 %, s | 99 %, s | worst, s |\n|---|---|---|---|---|---|")
    for kind, row in (*found["kinds"].items(), ("all reruns", found["all reruns"])):
        print(
            f"| {kind} | {row['n']} | " + " | ".join(f"{row[name]:.2f}" for name in ("median", "p95", "p99", "worst") if name in row) + " |"
        )
    print("\nslowest: " + "; ".join(f"{one['seconds']:.2f} s {one['kind']} {one['what']} on {one['page']}" for one in found["slowest"][:8]))
    print(
        "slowest progress: "
        + "; ".join(f"{one['seconds']:.2f} s of {one['what']} at {one['at']:.0f} s" for one in found["slowest progress"][:8])
    )
    print("\ncores used: " + ", ".join(f"{what} {cores:.2f}" for what, cores in found["cores_used"].items()))
    print(f"processor seconds of the server a rerun: {found['processor_seconds_a_rerun']:.3f}")
    for what in ("server", "workers"):
        if found["memory"]:
            print(f"memory of the {what}, MB: " + ", ".join(f"{name} {value:.2f}" for name, value in found["memory"][what].items()))
    for name, course in found["jobs"]["courses"].items():
        print(f"job of {name}, (s, cells): {course}")
    print(f"order of cells: {found['jobs']['order']}")
    print(f"\nerrors: {len(found['errors'])}")
    for fault in found["errors"][:KNOWN_ERRORS]:
        print(f"- {fault['visitor']} on {fault['page']}, {fault['what']}: {fault['words'][:300]}")
    return not found["errors"] and found["all reruns"].get("p95", 0.0) < GOAL_SECONDS


def main(words: list[str] | None = None) -> int:
    """Run the test, print, and return 1 if there was an error or the reruns took too long."""
    parser = argparse.ArgumentParser(description="Many visitors at the same time, on the demo.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sessions", type=int, default=50, help="all of them, browsers included")
    parser.add_argument("--browsers", type=int, default=5, help="how many of them are pages of Chromium")
    parser.add_argument("--uploads", type=int, default=5, help="datasets and labels in turns")
    parser.add_argument("--jobs", type=int, default=3, help="full analyses, started at the same moment")
    parser.add_argument("--think", type=float, default=20.0, help="mean seconds between two actions of a visitor")
    parser.add_argument("--stay", type=float, default=3.0, help="mean minutes until a scripted visitor leaves and the next one comes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--server", default="", metavar="ADDRESS", help="of a server that runs; its memory is not looked at")
    parser.add_argument("--out", type=Path, metavar="FILE", help="for the results as JSON")
    options = parser.parse_args(words)
    if options.browsers >= options.sessions:
        parser.error("--browsers: at least one session has to be scripted")
    with contextlib.ExitStack() as stack:
        address, pid = options.server.rstrip("/"), None
        if not address:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            address, pid = stack.enter_context(machine.started(folder, {}))
        found = asyncio.run(run(options, address, pid))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1, default=str) + "\n", encoding="utf-8")
    return int(not told(found))


if __name__ == "__main__":
    sys.exit(main())
