"""What a run of calls says to its visitor: prompts and replies whole, the most that it can cost, and what failed."""

from collections.abc import Sequence

import streamlit as st

from dissection.dashboard.asking_calls import Asking
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call, Estimate, estimate
from dissection.endpoint.limits import Limits
from dissection.endpoint.protocol import Answer
from dissection.endpoint.run import Outcome, Run
from dissection.figures.style import plain_markdown
from dissection.wording import count

SHOWN_LABELS = 3
SHOWN_REASONS = 10
SHOWN_TOKENS = 6


def most_in_words(found: Estimate, limits: Limits) -> str:
    """How many calls a run makes, and the most that they can cost."""
    budget = limits.budget.money
    if found.cost is None:
        cost = "cost not known without prices"
    elif budget is not None and budget <= found.cost:
        cost = f"at most {budget:,.4g}, the budget"
    else:
        cost = f"at most about {found.cost:,.4f}" + ("" if budget is None else f", budget {budget:,.4g}")
    return f"{count(found.calls, 'call')}, {cost}"


def prompts_and_replies(place: str, sample: Sequence[Call], tried: Run | None) -> None:
    """The prompts of the first pairs, whole, and what a dry run was answered to each.

    Args:
        place: on the page.
        sample: the calls that need no reply before them.
        tried: the dry run, of these and of what followed from them; None before it.
    """
    title = "Prompts and replies of the dry run" if tried else "Prompts of the first five, without asking"
    # What is folded is not made: prompts are long.
    folded = st.expander(title, icon=":material/chat:", key=f"prompts-{place}-{bool(tried)}", on_change="rerun", expanded=bool(tried))
    if folded.open:
        with folded:
            outcomes: Sequence[tuple[Call, Outcome | None]] = (
                [(outcome.call, outcome) for outcome in tried.outcomes] if tried else [(call, None) for call in sample]
            )
            for call, outcome in outcomes:
                with st.expander(plain_markdown(f"{call.label} ({call.prompt})")):
                    _prompt(call)
                    if outcome is not None:
                        _reply(outcome)


def without_endpoint(asking: Asking) -> None:
    """How much there is to ask, and the prompts, where nobody can be asked."""
    held = st.session_state.get(f"estimate-{asking.place}")
    if held is None or held[0] is not asking.calls.every:
        held = (asking.calls.every, estimate(asking.calls.every, Endpoint("any model", provider="auto")))
        st.session_state[f"estimate-{asking.place}"] = held
    found = held[1]
    st.markdown(f"**{plain_markdown(asking.what)}**")
    st.caption(plain_markdown(f"{found.sentence()} {asking.upper}".strip()))
    prompts_and_replies(asking.place, asking.calls.sample, None)


def _prompt(call: Call) -> None:
    for message in call.messages:
        st.caption(plain_markdown(message["role"]))
        st.code(message["content"], language=None, wrap_lines=True)


def _reply(outcome: Outcome) -> None:
    st.caption("reply" if outcome.answer else "no reply")
    st.code(outcome.answer.text if outcome.answer else str(outcome.error), language=None, wrap_lines=True)
    if outcome.answer and outcome.answer.top_logprobs:
        st.caption(plain_markdown(_likeliest(outcome.answer)))


def _likeliest(answer: Answer) -> str:
    tokens = answer.top_logprobs[0][1:SHOWN_TOKENS]
    return "Likeliest first tokens, with log-probabilities: " + ", ".join(f"{token.token!r} {token.logprob:.3f}" for token in tokens)


def failures_in_words(made: Run, left_out: frozenset[str]) -> None:
    """What stopped a run, why calls have no usable answer, how often each, and what was spent."""
    if made.stopped:
        st.warning(f"The run stopped: {plain_markdown(made.stopped)}. What was answered is kept.", icon=":material/stop_circle:")
    reasons = made.reasons()
    if reasons:
        lines = [f"**{count(len(made.failures), 'call')} of {len(made.outcomes):,} without a usable answer**"]
        for reason, times in reasons[:SHOWN_REASONS]:
            labels = [outcome.call.label for outcome in made.failures if outcome.error and outcome.error.problem == reason]
            more = " …" if len(labels) > SHOWN_LABELS else ""
            lines.append(f"- {count(times, 'call')}: {plain_markdown(reason)} ({plain_markdown('; '.join(labels[:SHOWN_LABELS]))}{more})")
        if len(reasons) > SHOWN_REASONS:
            lines.append(f"- and {count(len(reasons) - SHOWN_REASONS, 'further reason')}")
        st.markdown("\n".join(lines))
    kept = f", {made.from_journal:,} from the journal" if made.from_journal else ""
    without = f" The endpoint does not take {', '.join(sorted(left_out))}, so it was asked without." if left_out else ""
    st.caption(plain_markdown(f"{count(len(made.outcomes), 'call')}{kept}; spent on them: {made.spent.sentence()}.{without}"))
