"""Who visits, which data they have, and what goes when they have gone."""

import pytest

from dissection.dashboard import visits as module
from dissection.dashboard.visits import Visits
from dissection.errors import InputError


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)


class State(dict[str, object]):
    """A session's state."""

    @property
    def filtered_state(self) -> dict[str, object]:
        return dict(self)


class Server:
    """Visits with a note of what has ended; tabs are open until they are closed."""

    def __init__(self, memory: int = 1_000_000) -> None:
        self.ended: list[str] = []
        self.open: set[str] = set()
        self.visits = Visits(memory, idle_seconds=600.0, gone_seconds=130.0, ended=self.ended.append)

    def arrive(self, name: str, *data: str) -> State:
        state = State(own_datasets={"own": "texts"})
        self.open.add(name)
        self.visits.arrive(name, state)
        for content_hash in data:
            self.visits.has(name, content_hash, 100)
        return state

    def look(self) -> None:
        self.visits.look(self.open.__contains__)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_data_end_with_the_last_tab_that_has_them(clock: Clock) -> None:
    server = Server()
    one, two = server.arrive("one", "secret", "shared"), server.arrive("two", "shared")
    server.open.discard("one")
    clock.now += 100
    server.look()
    assert server.ended == [], "a tab that lost its connection is back within two minutes"
    assert one
    clock.now += 40
    server.look()
    assert server.ended == ["secret"]
    assert one == {}, "nothing of the visitor is left, though Streamlit itself may not have noticed"
    assert two
    assert server.visits.has_visitors("shared")
    assert not server.visits.has_visitors("secret")


def test_a_tab_that_comes_back_in_time_keeps_all(clock: Clock) -> None:
    server = Server()
    state = server.arrive("one", "secret")
    server.open.discard("one")
    clock.now += 100
    server.look()
    server.open.add("one")
    clock.now += 100
    server.look()
    assert server.ended == []
    assert state


def test_a_tab_that_nobody_uses_is_cleared_and_told(clock: Clock) -> None:
    server = Server()
    state = server.arrive("one", "secret")
    server.arrive("looks at the demo")
    clock.now += 601
    server.look()
    assert server.ended == ["secret"]
    assert state == {}
    assert server.visits.arrive("one", State()) is True
    assert server.visits.arrive("one", State()) is False, "once"
    assert server.visits.arrive("looks at the demo", State()) is False, "it had nothing to lose"


def test_a_tab_that_is_used_is_not_cleared(clock: Clock) -> None:
    server = Server()
    server.arrive("one", "secret")
    for _ in range(5):
        clock.now += 400
        server.look()
        server.visits.arrive("one", State())
    assert server.ended == []


def test_the_servers_own_data_never_end(clock: Clock) -> None:
    server = Server()
    server.visits.show_everybody("demo")
    server.arrive("one", "demo")
    server.open.clear()
    clock.now += 1000
    server.look()
    assert server.ended == []
    assert server.visits.has_visitors("demo")


def test_there_is_room_for_so_much_of_all_visitors(clock: Clock) -> None:
    server = Server(memory=10_000_000)
    server.arrive("one")
    server.visits.has("one", "data", 6_000_000)
    server.visits.check_room("two", 0, 4_000_000)
    with pytest.raises(InputError, match=r"take 5 MB of memory, and this server has 4 MB left.*own machine"):
        server.visits.check_room("two", 0, 5_000_000)
    server.visits.check_room("one", 6_000_000, 4_000_000)
    with pytest.raises(InputError, match="4 MB left"):
        server.visits.check_room("one", 6_000_000, 4_100_000)
    server.open.clear()
    clock.now += 200
    server.look()
    server.visits.check_room("two", 0, 10_000_000)
