"""Parts of the Similarity page: the matrix with its tree, and the map of judges."""

import dataclasses

import pandas as pd
import streamlit as st

from dissection.clusters import MOST_CLUSTERS, Clustering, cluster, map_judges, propose_clusters
from dissection.dashboard import controls, show
from dissection.dashboard.address import keep
from dissection.dashboard.likeness import Asked, matrix_of, support, support_toggle
from dissection.dataset import PairDataset
from dissection.figures.likeness import COLOURINGS, colour_groups, long_frame, matrix, scatter_map
from dissection.figures.style import plain_markdown
from dissection.likeness.support import THRESHOLD, Support, branch_support

AS_PROPOSED = 0


def matrix_and_tree(dataset: PairDataset, choice: Asked) -> None:
    """Every two judges' similarity, clustered, and the judges on a map."""
    similarity = matrix_of(dataset, choice)
    tree = cluster(similarity)
    if len(tree.judges) < 2:
        st.info("Fewer than two judges have numbers here; choose other pairs above.")
        return
    first, second, third = st.columns([2, 1, 1.2], vertical_alignment="bottom")
    with first:
        colouring = controls.choice("Colour judges by", COLOURINGS, "colour")
    with second:
        coloured = colour_groups(dataset.judges, colouring, tree.cut(_clusters(similarity, tree)))
    with third:
        support_toggle(dataset, "Check the branches")
    found = _support(dataset, choice, tree)
    show.chart(
        matrix(similarity, tree, coloured, 1 if choice.group else len(dataset.scenarios), dataset.own_judges, found),
        long_frame(similarity),
        "Similarity of judges",
        _reading(dataset, choice, similarity, found),
        key="similarity",
    )
    if found:
        folded = st.expander("Support of the branches", icon=":material/account_tree:", key="branches", on_change="rerun")
        if folded.open:
            with folded:
                show.data_table(found.branches().round(3), "Branches")
    if tree.left_out:
        st.caption(f"Without a similarity, since they have no numbers in some group: {plain_markdown(', '.join(tree.left_out))}.")
    _map(dataset, similarity, tree, coloured)


def _clusters(similarity: pd.DataFrame, tree: Clustering) -> int:
    """The visitor's number of clusters, or the one that the silhouette proposes for what is in view."""
    proposed = propose_clusters(similarity, tree).best or 1
    numbers = [AS_PROPOSED, *range(1, min(MOST_CLUSTERS, len(tree.judges)) + 1)]
    chosen = st.selectbox(
        "Clusters",
        numbers,
        format_func=lambda number: f"{proposed}, as proposed" if number == AS_PROPOSED else str(number),
        help="Proposed is the number with the highest mean silhouette.",
        **keep("clusters", numbers, AS_PROPOSED),
    )
    return int(chosen or proposed)


def _support(dataset: PairDataset, choice: Asked, tree: Clustering) -> Support | None:
    """The support of this tree's branches. That of the resampling is of the fast engine's, and another engine's may differ from it."""
    found = support(dataset, choice)
    if found is None or not found.done:
        return None
    return dataclasses.replace(found, clustering=tree, share=branch_support(tree, found.similarities, dataset.judge_names))


def _reading(dataset: PairDataset, choice: Asked, similarity: pd.DataFrame, found: Support | None) -> str:
    known = long_frame(similarity).dropna()
    closest, farthest = (" and ".join(plain_markdown(known.iloc[place][side]) for side in ("judge", "other")) for place in (0, -1))
    branches = "The tree joins judges by average linkage."
    if found:
        strong = int((found.share[:-1] >= THRESHOLD).sum())
        branches = (
            f"{strong} of {len(found.share) - 1} branches come back in at least {100 * THRESHOLD:.0f} % of {found.done} resamples of "
            f"{found.queries:,} queries."
        )
    return (
        f"{choice.method.title()} {'similarity' if choice.method == 'cosine' else 'correlation'} of two judges' weights, "
        f"{plain_markdown(choice.where(dataset))}: 1 is the same taste. Most alike: {closest} ({known.iloc[0]['similarity']:.2f}); least: "
        f"{farthest} ({known.iloc[-1]['similarity']:.2f}). Of posterior means over {len(dataset.properties) - len(choice.without)} properties; noise "
        f"draws them towards 0, and “How sure” has their intervals. {branches}"
    )


def _map(dataset: PairDataset, similarity: pd.DataFrame, tree: Clustering, coloured: dict[str, str]) -> None:
    st.subheader("Map of judges", anchor=False)
    places, shown = map_judges(similarity.loc[list(tree.order), list(tree.order)])
    show.chart(
        scatter_map(places, coloured, dataset.own_judges),
        places.reset_index(names="judge").round(4),
        "Map of judges",
        f"Judges that want the same lie near each other (classical scaling of √(2·(1 − similarity))). Two dimensions show {100 * shown:.0f} % of "
        f"the squared distances of {len(places)} judges; the axes have no meaning of their own.",
        width="narrow",
    )
