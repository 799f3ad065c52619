"""The gate of a run: a place for each request within the rate, the budget and the user's patience."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from dissection.endpoint.faults import StoppedError
from dissection.endpoint.limits import Limits
from dissection.wording import count

TICK = 0.05


class Spent(NamedTuple):
    """What a run has taken.

    Attributes:
        requests: that were answered, or may be charged for.
        tokens_in, tokens_out: of these.
        money: their cost; None without prices.
    """

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    money: float | None = None

    def sentence(self) -> str:
        """Requests, tokens and, where prices are known, money."""
        money = "" if self.money is None else f", {self.money:,.4f} at your prices"
        return f"{count(self.requests, 'request')}, {self.tokens_in:,} tokens in, {self.tokens_out:,} out{money}"


class Meter:
    """Lets requests in while all that are under way stay within the budget, even if each takes the most that it can.

    A request that was cut off or timed out is counted at that most, as it may be charged for.

    Args:
        limits: the rate, the budget and the prices; how many ask at a time is their own matter.
        cancelled: asked before each request and while waiting.
    """

    def __init__(self, limits: Limits, cancelled: Callable[[], bool]) -> None:
        self.budget = limits.budget
        self.prices = limits.prices
        self.reason = ""
        self._interval = 60 / limits.per_minute if limits.per_minute else 0.0
        self._cancelled = cancelled
        self._changed = threading.Condition()
        self._next = 0.0
        self._requests, self._in, self._out = 0, 0, 0
        self._reserved: dict[int, tuple[int, int]] = {}
        self._counted: set[str] = set()

    @property
    def spent(self) -> Spent:
        money = self.prices.of(self._in, self._out) if self.prices else None
        return Spent(self._requests, self._in, self._out, money)

    def count(self, key: str, tokens_in: int, tokens_out: int, requests: int) -> None:
        """Add what was spent earlier on a call; once, also where several runs of one meter ask for it."""
        with self._changed:
            if key not in self._counted:
                self._counted.add(key)
                self._add(tokens_in, tokens_out, requests)

    def made(self, key: str) -> None:
        """A call came to its end in this run, and what it took was counted as it left."""
        with self._changed:
            self._counted.add(key)

    def stop(self, reason: str) -> None:
        """Let nobody in any more; the first reason is kept."""
        with self._changed:
            self.reason = self.reason or reason
            self._changed.notify_all()

    def enter(self, tokens_in: int, tokens_out: int) -> None:
        """See `Gate`."""
        with self._changed:
            while True:
                self._check()
                if not self._fits(tokens_in, tokens_out):
                    if not self._reserved:
                        self.reason = "the budget does not cover one more request"
                        continue
                    # What is under way may take less than its most.
                    self._changed.wait(TICK)
                elif (wait := self._next - time.monotonic()) > 0:
                    self._changed.wait(min(wait, TICK))
                else:
                    break
            self._next = max(self._next, time.monotonic()) + self._interval if self._interval else self._next
            self._reserved[threading.get_ident()] = (tokens_in, tokens_out)

    def leave(self, tokens_in: int, tokens_out: int, *, requests: int) -> None:
        """See `Gate`."""
        with self._changed:
            self._reserved.pop(threading.get_ident(), None)
            self._add(tokens_in, tokens_out, requests)
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """See `Gate`."""
        until = time.monotonic() + seconds
        with self._changed:
            while (left := until - time.monotonic()) > 0:
                self._check()
                self._changed.wait(min(left, TICK))
            self._check()

    def hold(self, seconds: float) -> None:
        """See `Gate`."""
        with self._changed:
            self._next = max(self._next, time.monotonic() + seconds)

    def _check(self) -> None:
        if not self.reason and self._cancelled():
            self.reason = "cancelled"
        if self.reason:
            raise StoppedError(f"Not asked: {self.reason}.", remedy="start the run again with the same journal; what was answered is kept")

    def _fits(self, tokens_in: int, tokens_out: int) -> bool:
        money, calls = self.budget.money, self.budget.calls
        if calls is not None and self._requests + len(self._reserved) + 1 > calls:
            return False
        if money is None or self.prices is None:
            return True
        held_in = sum(reserved[0] for reserved in self._reserved.values())
        held_out = sum(reserved[1] for reserved in self._reserved.values())
        return self.prices.of(self._in + held_in + tokens_in, self._out + held_out + tokens_out) <= money

    def _add(self, tokens_in: int, tokens_out: int, requests: int) -> None:
        self._requests += requests
        self._in += tokens_in
        self._out += tokens_out
