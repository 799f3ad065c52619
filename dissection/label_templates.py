"""Templates to download: the dataset's first pairs in each form that a judge's labels may have."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Final, Literal, get_args

from dissection.dataset import PairDataset
from dissection.errors import UnknownNameError

TemplateForm = Literal[
    "wide", "wide, both orders", "long", "scores", "probabilities", "log-probabilities", "json list", "json object", "json lines"
]
TEMPLATE_FORMS: Final[tuple[TemplateForm, ...]] = get_args(TemplateForm)
TEMPLATE_ROWS: Final = 5

_EXAMPLES: Final[dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]] = {
    "wide": (("my-judge",), (("a",), ("b",), ("tie",), ("",))),
    "wide, both orders": (("my-judge.ab", "my-judge.ba"), (("a", "a"), ("b", "a"), ("tie", "tie"), ("", ""))),
    "long": (("judge", "order", "label"), (("my-judge", "ab", "a"), ("my-judge", "ab", "b"), ("my-judge", "ab", "tie"))),
    "scores": (("score_a", "score_b"), (("5", "3"), ("2", "4"), ("3", "3"))),
    "probabilities": (("p_a",), (("0.83",), ("0.2",), ("0.5",))),
    "log-probabilities": (("logprob_a", "logprob_b"), (("-0.1", "-2.3"), ("-1.6", "-0.2"), ("-0.7", "-0.7"))),
}


def template(dataset: PairDataset, form: TemplateForm) -> str:
    """A file to fill in: example labels for the dataset's first five pairs, or for all of them in a list, which has no ids.

    Args:
        dataset: its pair ids are used.
        form: one of `TEMPLATE_FORMS`. The JSON ones are JSON, the others CSV.

    Raises:
        UnknownNameError: there is no such form.
    """
    if form not in TEMPLATE_FORMS:
        raise UnknownNameError(f"There is no template {form!r}.", accepted=", ".join(TEMPLATE_FORMS))
    every = [str(pair_id) for pair_id in dataset.pairs.index]
    if form in _EXAMPLES:
        return _csv(every[:TEMPLATE_ROWS], form)
    labels = ("a", "b", "tie", None)
    pairs = [(pair_id, labels[i % 4]) for i, pair_id in enumerate(every)]
    if form == "json list":
        return json.dumps([label for _, label in pairs])
    if form == "json object":
        return json.dumps(dict(pairs[:TEMPLATE_ROWS]), ensure_ascii=False, indent=1)
    rows = ({"pair_id": pair_id, "judge": "my-judge", "label": label} for pair_id, label in pairs[:TEMPLATE_ROWS])
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _csv(pair_ids: Sequence[str], form: str) -> str:
    columns, examples = _EXAMPLES[form]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("pair_id", *columns))
    writer.writerows((pair_id, *examples[i % len(examples)]) for i, pair_id in enumerate(pair_ids))
    return out.getvalue()
