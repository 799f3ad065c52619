"""Work for `test_behind.py`: each kind waits for a gate, so that a test decides when it goes on."""

import threading
from collections.abc import Callable

from dissection.errors import InputError

gates: dict[str, threading.Event] = {}
begun: list[str] = []
ended: list[str] = []


def reset() -> None:
    """Closed gates, and nothing done yet."""
    for gate in gates.values():
        gate.set()
    gates.clear()
    begun.clear()
    ended.clear()


def gate(name: str) -> threading.Event:
    """The gate of a key."""
    return gates.setdefault(name, threading.Event())


def work(name: str) -> Callable[[Callable[[int, int], None]], str]:
    """Work that asks for its gate again and again, and reports its progress between; keys that say so fail."""

    def done(progress: Callable[[int, int], None]) -> str:
        begun.append(name)
        try:
            for step in range(2_000):
                progress(step, 2_000)
                if gate(name).wait(0.01):
                    break
            if name == "refused":
                raise InputError("It can't be done.", where="here", accepted="something else", remedy="choose that")
            if name == "broken":
                raise ZeroDivisionError("a secret of the data")
            return f"result of {name}"
        finally:
            ended.append(name)

    return done
