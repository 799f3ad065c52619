"""Foreign forms, mangled: whatever stands in a file, it is read or refused in words."""

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissection.errors import InputError
from dissection.readers import open_dataset
from tests.foreign import ANNOTATED, EXAMPLES

ODD = st.sampled_from(
    [None, "", "a", "x", "NaN", "[", '[{"role": 1}]', "\ud800", 0, 1, -1, 10**400, 1.5, float("nan"), float("inf"), True, [], {}, [None], [[1]],
     {"a": 1}, {"x": {"y": []}}, [{"role": "user", "content": None}], [{}], "\n\nHuman: a\n\nAssistant: b"]
)  # fmt: skip


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in items for found in ((*path, key), *places(part, (*path, key)))]


@st.composite
def mangled(draw: st.DrawFn, example: Any) -> Any:
    """The example with some parts dropped, replaced, renamed or nested deeper."""
    made = copy.deepcopy(example)
    for _ in range(draw(st.integers(1, 4))):
        found = places(made)
        if not found:
            break
        *path, key = draw(st.sampled_from(found))
        holder = made
        for step in path:
            holder = holder[step]
        kind = draw(st.sampled_from(["drop", "replace", "rename", "nest"]))
        value = holder.pop(key) if kind in ("drop", "rename") else holder[key]
        if kind == "rename":
            holder.append(value) if isinstance(holder, list) else holder.update(
                {draw(st.sampled_from(["a", "label.x", "winner", "\ud800", ""])): value}
            )
        elif kind != "drop":
            holder[key] = copy.deepcopy(draw(ODD)) if kind == "replace" else draw(st.sampled_from([[value], {"x": value}]))
    return made


MANGLED = [(name, rows) for name, files in EXAMPLES.items() for rows in files]
MANGLED.append(("annotated-pairs", ANNOTATED))


@pytest.mark.parametrize(("name", "example"), MANGLED, ids=[f"{name} {i}" for i, (name, _) in enumerate(MANGLED)])
@settings(max_examples=100)
@given(data=st.data())
def test_mangled_files_are_read_or_refused_in_words(name: str, example: Any, data: st.DataObject) -> None:
    made = data.draw(mangled(example))
    content = json.dumps(made).encode()
    for reader in (name, None):
        with contextlib.suppress(InputError):
            dataset = open_dataset(content, "x", reader=reader)
            assert dataset.content_hash
            assert dataset.has_pairs
