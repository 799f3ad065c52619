"""Doctor: what is odd in the data, where to look at it, and what can be done with it."""

import streamlit as st

from dissection.dashboard import session, show
from dissection.dataset import PairDataset
from dissection.doctor import Example, Finding, findings_frame
from dissection.figures.style import plain_markdown
from dissection.inspection import inspect
from dissection.wording import count

ICONS = {"problem": ":red[:material/error:]", "odd": ":orange[:material/help:]", "fact": ":gray[:material/info:]"}
MANY = {"problem": "problems", "odd": "oddities", "fact": "facts"}
ONE = {"problem": "problem", "odd": "oddity", "fact": "fact"}
PLURALS = {"property": "properties"}
COLUMNS = {
    "severity": "Severity",
    "code": "Code",
    "finding": "Finding",
    "count": st.column_config.NumberColumn("Count", format="localized"),
    "unit": "Of",
    "share": st.column_config.NumberColumn("Share", format="%.1f %%"),
    "explanation": "Why it matters",
    "remedy": "What to do",
    "examples": "Examples",
}


def example(dataset: PairDataset, found: Example) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if found.pair_id and dataset.judges:
            view = {"data": session.current_key(), "pair": found.pair_id, **({"judge": found.judge} if found.judge else {})}
            st.page_link(
                "pages/pairs.py",
                label=f"Pair {plain_markdown(found.pair_id)}",
                icon=":material/compare_arrows:",
                query_params=view,
                width="content",
            )
        elif found.pair_id:
            st.markdown(f"Pair {plain_markdown(found.pair_id)}", width="content")
        if found.value:
            st.markdown(plain_markdown(found.value), width="content")


def row(dataset: PairDataset, finding: Finding) -> None:
    with st.container(border=True, gap="xsmall", key=f"finding-{finding.code}"):
        size = f"{count(finding.rows, finding.unit, PLURALS.get(finding.unit, ''))} · {finding.share:.1f} %"
        st.markdown(f"{ICONS[finding.severity]} **{plain_markdown(finding.title)}** :gray-badge[{size}]")
        remedy = f"  \n**What to do:** {plain_markdown(finding.remedy)}." if finding.remedy else ""
        st.caption(plain_markdown(finding.explanation) + remedy)
        if finding.examples:
            # What is folded is not made.
            folded = st.expander("Examples", icon=":material/search:", key=f"examples-{finding.code}", on_change="rerun")
            if folded.open:
                with folded:
                    for found in finding.examples:
                        example(dataset, found)


def listed(title: str, icon: str, items: tuple[str, ...]) -> None:
    if items:
        st.markdown("  \n".join([f"**{title}**", *(f"{icon} {plain_markdown(item)}" for item in items)]))


def capabilities(possible: tuple[str, ...], impossible: tuple[str, ...]) -> None:
    left, right = st.columns(2) if possible and impossible else (st.container(), st.container())
    with left:
        listed("Can be done", ":green[:material/check:]", possible)
    with right:
        listed("Can't be done, and what to add", ":gray[:material/block:]", impossible)


dataset = session.current()
show.page_head("Doctor", "What is in this data, what is odd, and what can be done with it?", dataset)
inspected = inspect(dataset)
st.markdown("\n".join(f"- {plain_markdown(fact)}" for fact in inspected.facts))
capabilities(inspected.possible, inspected.impossible)
st.subheader("What was found", anchor=False)
if not dataset.has_pairs:
    st.info(
        "These are published weights. Texts and verdicts can't be looked through, as the pairs are not in these files.",
        icon=":material/visibility_off:",
    )
    st.stop()
found = inspected.findings
sizes = {severity: sum(finding.severity == severity for finding in found) for severity in ICONS}
if not sizes["problem"] + sizes["odd"]:
    st.success("Nothing odd was found.", icon=":material/check_circle:")
else:
    st.caption(" · ".join(f"{ICONS[severity]} {count(n, ONE[severity], MANY[severity])}" for severity, n in sizes.items() if n))
for finding in found:
    row(dataset, finding)
with st.expander("All findings as a table, and download", icon=":material/table:"):
    show.data_table(findings_frame(found), f"Findings {dataset.name}", COLUMNS)
st.caption("Texts are compared as they stand, apart from white space at either end. Length is counted in characters here.")
