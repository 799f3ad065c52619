"""The view in the address bar, so that a copied link shows the same thing.

Streamlit can bind a widget to a query parameter by itself, but a page with such widgets can't be left by `st.switch_page`, which a click
on a chart needs (version 1.67). So values are kept here: the session holds them across pages, the address bar shows them.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st


def keep(key: str, options: Sequence[Any] | None, default: Any) -> dict[str, Any]:
    """Give a widget its value and write that into the address bar. Call it just before the widget, and hand it the result.

    A value in the address bar that this session did not write (a link, the back button) comes first, then what the session holds, then
    the default, which the address bar leaves out.

    Args:
        key: of the widget, and the name of the query parameter.
        options: what the value, or each value of a list, may be; None: any text. Other values are passed over.
        default: a list for widgets with several values.

    Returns:
        Keyword arguments for the widget.
    """
    written: dict[str, list[str]] = st.session_state.setdefault("address", {})
    shown = st.query_params.get_all(key)
    value = st.session_state.get(key, default)
    if shown and shown != written.get(key):
        value = _parse(shown, options, default)
    if not _allowed(value, options):
        value = default
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    words = [] if value == default else [str(part) for part in value] if isinstance(value, list) else [str(value)]
    if words != shown:
        if words:
            st.query_params[key] = words
        else:
            del st.query_params[key]
    written[key] = words
    return {"key": key, "persist_state": "session"}


def _parse(shown: list[str], options: Sequence[Any] | None, default: Any) -> Any:
    if options is None:
        return shown[0]
    by_word = {str(option): option for option in options}
    found = [by_word[word] for word in shown if word in by_word]
    if isinstance(default, list):
        return found or default
    return found[0] if found else default


def _allowed(value: Any, options: Sequence[Any] | None) -> bool:
    return options is None or all(part in options for part in (value if isinstance(value, list) else [value]))
