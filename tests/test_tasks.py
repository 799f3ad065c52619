"""Work in threads of the server: shared, cancelled, given up when everybody has gone, and a few at a time in turns."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from dissection.dashboard import tasks as module
from dissection.dashboard.kept import Kept
from dissection.dashboard.tasks import Task, Tasks
from dissection.errors import InputError
from dissection.regression.fit import Progress
from tests.fault_tools import Crowd

PATIENCE = 20.0  # seconds; nothing here takes one


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Ends all work that waits for it, also where a test fails."""
    event = threading.Event()
    yield event
    event.set()


def until_stopped(stop: threading.Event, answer: str = "done") -> Callable[[Progress], str]:
    """Work that goes on, and says so, until the event is set."""

    def work(report: Progress) -> str:
        while not stop.wait(0.002):
            report(1, 2)
        return answer

    return work


def join(board: Tasks, work: Callable[[Progress], object], key: str = "key", visitor: str = "one") -> Task:
    return board.join(("data", key), work, visitor, f"session of {visitor}")


def ends(task: Task) -> bool:
    return task.over.wait(PATIENCE)


# --- who asks, and who has gone -----------------------------------------------------------------------------------------------------


def test_those_who_ask_the_same_share_one_task_and_its_result(stop: threading.Event) -> None:
    board = Tasks(Kept(10**6, 0))
    task = join(board, until_stopped(stop))
    assert join(board, until_stopped(stop, "another"), visitor="two") is task
    assert join(board, until_stopped(stop), key="other") is not task
    stop.set()
    assert ends(task)
    assert board.result(("data", "key")) == "done"


def test_a_task_ends_when_the_last_who_asked_has_cancelled_it(stop: threading.Event) -> None:
    board = Tasks(Kept(10**6, 0))
    task = join(board, until_stopped(stop))
    join(board, until_stopped(stop), visitor="two")
    board.cancel(task, "one")
    assert not task.is_wanted_by("one")
    assert not task.over.wait(0.1), "the other visitor still waits for it"
    board.cancel(task, "two")
    assert ends(task)
    assert board.result(("data", "key")) is None
    assert task.error is None


def test_who_asks_after_a_cancellation_gets_a_task_of_their_own(stop: threading.Event) -> None:
    """Also where the cancelled thread has not noticed yet: its end must not be theirs."""
    board = Tasks(Kept(10**6, 0))
    deaf = threading.Event()

    def silent(_: Progress) -> str:
        deaf.wait(PATIENCE)
        return "late"

    first = join(board, silent)
    board.cancel(first, "one")
    second = join(board, until_stopped(stop, "fresh"), visitor="two")
    assert second is not first
    deaf.set()
    assert ends(first)
    assert join(board, until_stopped(stop), visitor="three") is second, "the end of the first one leaves the second where it is"
    stop.set()
    assert ends(second)
    assert board.result(("data", "key")) == "fresh"


def test_work_goes_on_while_a_tab_is_open_and_is_given_up_after_the_last_is_closed(
    stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    tabs = {"session of one", "session of two"}
    monkeypatch.setattr(module, "is_open", lambda session: session in tabs)
    monkeypatch.setattr(module, "GONE_SECONDS", 0.15)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    board = Tasks(Kept(10**6, 0))
    task = join(board, until_stopped(stop))
    join(board, until_stopped(stop), visitor="two")
    tabs.discard("session of one")
    assert not task.over.wait(0.5)
    tabs.clear()
    assert ends(task)
    assert board.result(("data", "key")) is None
    assert task.is_wanted_by("one"), "nobody cancelled it, so a page that comes back begins it again"


def test_work_that_waits_for_its_turn_is_given_up_too(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_open", lambda session: session == "session of one")
    monkeypatch.setattr(module, "GONE_SECONDS", 0.1)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "TURN_SECONDS", 60.0)
    board, begun = Tasks(Kept(10**6, 0), places=1), threading.Event()
    first = join(board, until_stopped(stop), key="first")
    waiting = join(board, lambda _: begun.set(), key="second", visitor="two")
    assert ends(waiting)
    assert not begun.is_set()
    assert not first.over.is_set()
    assert board.turns.tasks == 1, "it has left the line"


# --- turns ---------------------------------------------------------------------------------------------------------------------------


def test_no_more_compute_at_once_than_there_are_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.0)
    crowd = Crowd()

    def work(report: Progress) -> int:
        for step in range(30):
            with crowd:
                time.sleep(0.001)
            report(step, 30)
        return 30

    board = Tasks(Kept(10**6, 0), places=2)
    begun = [join(board, work, key=str(number)) for number in range(6)]
    assert all(map(ends, begun))
    assert crowd.most == 2
    assert [board.result(("data", str(number))) for number in range(6)] == [30] * 6
    assert board.turns.tasks == 0


def test_short_work_does_not_wait_for_long_work(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
    board = Tasks(Kept(10**6, 0), places=1)
    long = join(board, until_stopped(stop), key="long")
    short = join(board, lambda _: "quick", key="short", visitor="two")
    assert ends(short)
    assert board.result(("data", "short")) == "quick"
    assert not long.over.is_set()
    stop.set()
    assert ends(long)
    assert board.result(("data", "long")) == "done"


def test_those_who_wait_come_in_the_order_of_asking(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 60.0)
    board, order = Tasks(Kept(10**6, 0), places=1), []
    first = join(board, until_stopped(stop), key="first")
    later = []
    for number in range(4):
        later.append(join(board, lambda _, number=number: order.append(number), key=str(number)))
        while board.turns.tasks < number + 2:  # threads start in any order
            time.sleep(0.001)
    assert not order
    stop.set()
    assert all(map(ends, [first, *later]))
    assert order == [0, 1, 2, 3]


# --- how it ends ---------------------------------------------------------------------------------------------------------------------


def test_what_the_data_do_not_allow_is_no_fault_and_keeps_no_frames(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: Progress) -> None:
        try:
            raise KeyError("a secret")
        except KeyError as error:
            raise InputError("It can't be done.") from error

    def fail(_: Progress) -> None:
        raise ZeroDivisionError("a secret of the data")

    board = Tasks(Kept(10**6, 0))
    refused, broken = join(board, refuse, key="refused"), join(board, fail, key="broken")
    assert ends(refused)
    assert ends(broken)
    assert refused.error is not None
    assert not refused.broken
    assert refused.error.__traceback__ is refused.error.__cause__ is refused.error.__context__ is None
    assert broken.broken
    assert "ZeroDivisionError" in str(broken.error)
    assert "secret" not in str(broken.error) + caplog.text
    assert board.turns.tasks == 0, "a place is free again after any end"


def test_the_time_left_is_that_of_the_speed_so_far(stop: threading.Event) -> None:
    board = Tasks(Kept(10**6, 0))
    reported = threading.Event()

    def work(report: Progress) -> None:
        time.sleep(0.1)
        report(1, 5)
        reported.set()
        stop.wait(PATIENCE)

    task = join(board, work)
    assert reported.wait(PATIENCE)
    assert task.progress == (1, 5)
    left = task.seconds_left
    assert left is not None
    assert left >= 0.4, "four steps of at least a tenth of a second each"


def test_work_gives_way_to_pages_that_are_drawn_but_not_to_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_WAY", PATIENCE)
    monkeypatch.setattr(module, "MOST_WAY", PATIENCE)
    board, steps = Tasks(Kept(10**6, 0)), []

    def work(report: Progress) -> str:
        for step in range(3):
            report(step, 3)
            steps.append(step)
        return "done"

    with board.drawing.page():
        task = join(board, work)
        assert not task.over.wait(0.1)
        assert steps == []
        with board.drawing.pause():
            assert ends(task), "or a page would wait for work that waits for the page"
    assert board.result(("data", "key")) == "done"


def test_work_does_not_give_way_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAY", 0.02)
    board = Tasks(Kept(10**6, 0))
    with board.drawing.page():
        assert ends(join(board, lambda report: report(1, 1)))


def test_work_gives_way_in_proportion_to_what_it_took() -> None:
    drawing = module.Drawing()
    with drawing.page():
        begun = time.monotonic()
        drawing.give_way(0.1)
        assert time.monotonic() - begun >= 0.1 * module.WAYS
    begun = time.monotonic()
    drawing.give_way(module.MOST_WAY)
    assert time.monotonic() - begun < 1.0, "where no page is drawn there is nothing to wait for"
