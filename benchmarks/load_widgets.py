"""Streamlit's widgets as messages describe them: what can be chosen, and the state that the frontend would send (version 1.67)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from streamlit.proto.WidgetStates_pb2 import WidgetState

FIELDS: Final = {
    "selectbox": "string_value",
    "button_group": "string_array_value",
    "multiselect": "string_array_value",
    "slider": "string_array_value",
    "checkbox": "bool_value",
    "expandable": "bool_value",
    "button": "trigger_value",
    "file_uploader": "file_uploader_state_value",
}
CHOICES: Final = ("selectbox", "button_group", "multiselect", "checkbox")


class Widget(NamedTuple):
    """A widget of a page.

    Attributes:
        id: of the session.
        key: that the program gave it; empty: none.
        kind: as Streamlit's messages call it.
        label: as shown.
        options: that can be chosen, in words; of what is on or off, "on" and "off".
        chosen: of these.
        disabled: whether it can't be used.
    """

    id: str
    key: str
    kind: str
    label: str
    options: tuple[str, ...]
    chosen: tuple[str, ...]
    disabled: bool = False

    def state(self, values: Sequence[str]) -> WidgetState:
        """What is sent once these options are chosen."""
        state, field = WidgetState(id=self.id), FIELDS[self.kind]
        if field == "string_array_value":
            state.string_array_value.data.extend(values)
        else:
            setattr(state, field, values[0] if field == "string_value" else values[0] == "on")
        return state


def widget_of(content: Any, states: Mapping[str, WidgetState]) -> Widget | None:
    """The widget that an element or block is; None for everything else."""
    kind = content.WhichOneof("type")
    found = getattr(content, kind) if kind in FIELDS else None
    if found is None or not found.id:
        return None
    state = states.get(found.id)
    chosen = () if state is None else _values(state, FIELDS[kind])
    # Such as $$ID-0123456789abcdef-judge; a widget without a key ends with None.
    key = found.id.split("-", 2)[-1].removesuffix("None")
    return Widget(found.id, key, kind, found.label, _options(found, kind), chosen, getattr(found, "disabled", False))


def state_of(content: Any, states: Mapping[str, WidgetState]) -> WidgetState | None:
    """The state that a widget has once it is shown: the program's value where it sets one, its default where it is new."""
    widget = widget_of(content, states)
    if widget is None or widget.kind in ("button", "file_uploader"):
        return None
    found = getattr(content, widget.kind)
    if getattr(found, "set_value", False):
        return widget.state(_set(found, widget.kind))
    if widget.id in states:
        return None
    default = _default(found, widget)
    return None if default is None else widget.state(default)


def _values(state: WidgetState, field: str) -> tuple[str, ...]:
    if field == "string_array_value":
        return tuple(state.string_array_value.data)
    if field == "string_value":
        return (state.string_value,)
    return ("on" if state.bool_value else "off",)


def _options(found: Any, kind: str) -> tuple[str, ...]:
    if kind in ("checkbox", "expandable"):
        return ("on", "off")
    if kind in ("button", "file_uploader"):
        return ()
    return tuple(option.content if kind == "button_group" else option for option in found.options)


def _set(found: Any, kind: str) -> list[str]:
    if kind == "checkbox":
        return ["on" if found.value else "off"]
    if kind == "selectbox":
        return [found.raw_value]
    return list(found.raw_value if kind == "slider" else found.raw_values)


def _default(found: Any, widget: Widget) -> list[str] | None:
    if widget.kind == "checkbox":
        return ["on" if found.default else "off"]
    if widget.kind == "expandable":
        return ["on" if found.expanded else "off"]
    if widget.kind == "selectbox":
        return [widget.options[found.default]] if widget.options and found.HasField("default") else None
    return [widget.options[int(place)] for place in found.default]
