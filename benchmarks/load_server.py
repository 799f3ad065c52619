"""A server of its own for the load test, and what it and its processes take: memory and processor time from Linux's /proc."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.browser import end, free_port

ROOT = Path(__file__).resolve().parents[1]
PROC = Path("/proc")
START_SECONDS, LOOK_SECONDS = 120.0, 5.0
BYTES_PER_MB = 1e6
WARM_UP = 1 / 3  # of the time


class Sample(NamedTuple):
    """What was taken at one time: seconds since the start, then megabytes of the server, of its workers, and how many of these there are."""

    seconds: float
    server: float
    workers: float
    processes: int


class Flatness(NamedTuple):
    """How memory goes on after warm-up.

    Attributes:
        slope, error: megabytes a minute by least squares, and its standard error.
        second, last: means of the second and the last third of the time.
    """

    slope: float
    error: float
    second: float
    last: float


@contextmanager
def started(folder: Path, environ: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The address of a new server with a store in the folder, and its process."""
    port = free_port()
    known = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    own = {"DISSECTION_PORT": str(port), "DISSECTION_CACHE": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state")}
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "dissection.serve"], cwd=ROOT, env=known | own | environ, stdout=log, stderr=subprocess.STDOUT
        )
        address = f"http://127.0.0.1:{port}"
        try:
            wait_healthy(address, server)
            yield address, server.pid
        except Exception:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-3000:])
            raise
        finally:
            end(server)


def wait_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait until the server answers.

    Raises:
        RuntimeError: it ended, or did not answer for two minutes.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The server did not start.")


def children(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    found: list[int] = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        try:
            own = [int(word) for word in task.read_text(encoding="ascii").split()]
        except OSError:  # a thread that has ended
            continue
        for child in own:
            found += [child, *children(child)]
    return found


def megabytes(pid: int) -> float:
    """The memory of a process, what it shares with others divided among them where the system says it; 0 once it has ended."""
    for name, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = (PROC / str(pid) / name).read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(field):
                return int(line.split()[1]) * 1024 / BYTES_PER_MB
    return 0.0


def processor_seconds(pid: int) -> float:
    """What a process has used so far, with the children that have ended; 0 once it has ended itself."""
    try:
        fields = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def machine_seconds() -> float:
    """What everything on the machine has used so far."""
    words = (PROC / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq = map(int, words[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


async def watch(pid: int, samples: list[Sample], used: dict[int, float]) -> None:
    """Take a sample every five seconds, for ever.

    Args:
        pid: of the server.
        samples: where they are put.
        used: processor seconds by process, where the last that is known of each worker is put.
    """
    begun = time.monotonic()
    while True:
        workers = children(pid)
        samples.append(Sample(time.monotonic() - begun, megabytes(pid), sum(map(megabytes, workers)), len(workers)))
        used.update({worker: processor_seconds(worker) or used.get(worker, 0.0) for worker in workers})
        await asyncio.sleep(LOOK_SECONDS)


def flatness(seconds: list[float], values: list[float]) -> Flatness | None:
    """How flat a series is after warm-up; None where there are fewer than five values."""
    x, y = np.array(seconds), np.array(values)
    late = x >= x.max(initial=0.0) * WARM_UP
    x, y = x[late], y[late]
    if len(x) < 5:
        return None
    minutes = x / 60
    (slope, _), covariance = np.polyfit(minutes, y, 1, cov=True)
    middle = x < x.min() + (x.max() - x.min()) / 2
    return Flatness(float(slope), float(np.sqrt(covariance[0, 0])), float(y[middle].mean()), float(y[~middle].mean()))
