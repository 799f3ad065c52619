"""What Streamlit's frontend keeps of a page: its elements, the values of its widgets, and large messages that are not sent twice (version 1.67)."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.load_widgets import Widget, state_of, widget_of

OLDEST: Final = 2  # finished runs, for which a large message is kept that was not used in them (global.maxCachedMessageAge)
Path = tuple[int, ...]


class LoadError(Exception):
    """Something that a visitor should never meet."""


class Piece(NamedTuple):
    """What stands at one place of the page.

    Attributes:
        run: the run that put it there.
        fragment: of the page that it belongs to; empty: none.
        script: the hash of the script that made it: the page's or that of `app.py`.
        content: an element or block.
    """

    run: str
    fragment: str
    script: str
    content: Any


class Cached(NamedTuple):
    """A large message, and when it was last used, in finished runs."""

    message: ForwardMsg
    used: int


class Contents:
    """A page as the messages of the server made it.

    Attributes:
        pieces: path → what stands there.
        pages: title → hash, as the navigation lists them.
        errors: what a visitor should not have met: (what, words).
        page: hash of the page in view.
        query: the address bar's.
        session_id: Streamlit's name of the session.
        states: widget → its value.
    """

    def __init__(self) -> None:
        self.pieces: dict[Path, Piece] = {}
        self.pages: dict[str, str] = {}
        self.errors: list[tuple[str, str]] = []
        self.page = self.query = self.session_id = ""
        self.states: dict[str, WidgetState] = {}
        self._main = self._run = ""
        self._cache: dict[str, Cached] = {}
        self._finished = 0
        self._alerts: set[str] = set()

    def take(self, message: ForwardMsg) -> None:
        """Do what the frontend does with a message, as far as it concerns the contents."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            held = self._cache[message.ref_hash]
            self._cache[message.ref_hash] = held._replace(used=self._finished)
            self._put(held.message, message)
        elif kind == "delta":
            if message.metadata.cacheable:
                self._cache[message.hash] = Cached(message, self._finished)
            self._put(message, message)
        else:
            take: Callable[[ForwardMsg], None] | None = getattr(self, f"_take_{kind}", None)
            if take:
                take(message)

    def hashes(self) -> list[str]:
        """Of the large messages that the server need not send again."""
        return list(self._cache)

    def leave(self) -> None:
        """Go to another page: values of widgets stay where `app.py` made them."""
        kept = {widget.id for widget, script in self._widgets() if script == self._main}
        self.states = {name: state for name, state in self.states.items() if name in kept}
        self.query = ""

    def widgets(self) -> list[Widget]:
        """What can be used on the page, from the top."""
        return [widget for widget, _ in self._widgets()]

    def widget(self, key: str) -> Widget:
        """The widget of a key.

        Raises:
            LoadError: the page has none.
        """
        found = next((widget for widget in self.widgets() if widget.key == key), None)
        if found is None:
            raise LoadError(f"no widget {key!r} on the page")
        return found

    def texts(self, kind: str) -> list[str]:
        """The bodies of the page's elements of a kind, as `markdown`."""
        pieces = [piece.content for _, piece in sorted(self.pieces.items()) if piece.content.WhichOneof("type") == kind]
        return [getattr(content, kind).body for content in pieces]

    def _widgets(self) -> Iterator[tuple[Widget, str]]:
        for _, piece in sorted(self.pieces.items()):
            if widget := widget_of(piece.content, self.states):
                yield widget, piece.script

    def _put(self, message: ForwardMsg, where: ForwardMsg) -> None:
        delta = message.delta
        kind = delta.WhichOneof("type")
        if kind == "new_transient":
            return
        content = delta.new_element if kind == "new_element" else delta.add_block
        self.pieces[tuple(where.metadata.delta_path)] = Piece(self._run, delta.fragment_id, where.metadata.active_script_hash, content)
        if state := state_of(content, self.states):
            self.states[state.id] = state
        if kind == "new_element":
            self._look_for_errors(content)

    def _look_for_errors(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(("exception", f"{element.exception.type}: {element.exception.message}"))
        elif kind == "alert" and element.alert.format == Alert.ERROR and element.alert.body not in self._alerts:
            self._alerts.add(element.alert.body)
            self.errors.append(("error element", element.alert.body))

    def _take_new_session(self, message: ForwardMsg) -> None:
        self._run = message.metadata.run.script_run_id
        self.session_id = message.new_session.initialize.session_id or self.session_id
        if not message.metadata.run.fragment_ids:
            self.page, self._main = message.new_session.page_script_hash, message.new_session.main_script_hash

    def _take_navigation(self, message: ForwardMsg) -> None:
        self.pages = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
        self.page = message.navigation.page_script_hash

    def _take_page_info_changed(self, message: ForwardMsg) -> None:
        self.query = message.page_info_changed.query_string

    def _take_page_not_found(self, message: ForwardMsg) -> None:
        self.errors.append(("page not found", message.page_not_found.page_name))

    def _take_session_event(self, message: ForwardMsg) -> None:
        if message.session_event.HasField("script_compilation_exception"):
            self.errors.append(("exception", message.session_event.script_compilation_exception.message))

    def _take_script_finished(self, message: ForwardMsg) -> None:
        """What the run did not make again is gone: of a fragment's run, what is of the fragment."""
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        fragments = set(message.metadata.run.fragment_ids)
        gone = [path for path, piece in self.pieces.items() if piece.run != self._run and (not fragments or piece.fragment in fragments)]
        for path in gone:
            del self.pieces[path]
        there = {widget.id for widget in self.widgets()}
        self.states = {name: state for name, state in self.states.items() if name in there}
        if not fragments:
            self._finished += 1
            self._cache = {name: held for name, held in self._cache.items() if self._finished - held.used <= OLDEST}
