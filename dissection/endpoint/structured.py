"""JSON out of a model's answer: strictly read, checked against its schema, and the one request to repair it."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
Message = dict[str, str]

_FENCE: Final = re.compile(r"\A```(?:json)?[ \t]*\n(.*?)\n?```\Z", re.DOTALL | re.IGNORECASE)


def read_json(text: str, schema: Schema) -> tuple[Any, str]:
    """The value that an answer holds, and what is wrong with it ("" where nothing is).

    The whole answer has to be the value; a code fence around it is taken off, as most models put one there. Nothing is looked for inside
    other words.

    Args:
        text: the model's answer.
        schema: a JSON schema.
    """
    stripped = text.strip()
    fenced = _FENCE.match(stripped)
    try:
        value = json.loads(fenced[1] if fenced else stripped, parse_constant=_no_constant, object_pairs_hook=_once)
        # Half a character, as in "\ud800", can't be written into any file.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        return None, f"not JSON: {error}"
    return (value, "") if not (wrong := _against(value, schema)) else (None, wrong)


def repair_messages(messages: list[Message], text: str, wrong: str) -> list[Message]:
    """The conversation that asks, once, for the same answer as valid JSON."""
    request = f"That can't be read ({wrong[:200]}). Write the same answer again as one JSON value of the form asked for, and nothing else."
    return [*messages, {"role": "assistant", "content": text}, {"role": "user", "content": request}]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _against(value: Any, schema: Schema) -> str:
    import jsonschema

    error = next(iter(jsonschema.Draft202012Validator(dict(schema)).iter_errors(value)), None)
    if error is None:
        return ""
    where = "/".join(str(part) for part in error.absolute_path)
    return f"{where or 'the value'} does not keep {error.validator}"
