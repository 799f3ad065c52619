"""Similarity: which judges are alike, how surely, and what they have in common."""

import streamlit as st

from dissection.clusters import MOST_CLUSTERS, cluster, map_judges
from dissection.dashboard import controls, session, show
from dissection.dashboard.address import keep
from dissection.dashboard.likeness import Asked, asked, clusters_proposed, groups, how_sure, matrix_of, support, support_toggle
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.likeness import COLOURINGS, colour_groups, long_frame, matrix, scatter_map

VIEWS = {"matrix": "Matrix and tree", "sure": "How sure", "groups": "Groups"}


def matrix_and_tree(dataset: PairDataset, choice: Asked) -> None:
    similarity = matrix_of(dataset, choice)
    tree = cluster(similarity)
    if len(tree.judges) < 2:
        st.info("Fewer than two judges have numbers here; choose other pairs above.")
        return
    first, second, third = st.columns([2, 1, 1.2], vertical_alignment="bottom")
    with first:
        colouring = controls.choice("Colour judges by", COLOURINGS, "colour")
    most = min(MOST_CLUSTERS, len(dataset.judges))
    with second:
        proposed = clusters_proposed(similarity)
        count = int(
            st.number_input(
                "Clusters",
                1,
                most,
                help=f"{proposed} have the best silhouette.",
                **keep("clusters", range(1, most + 1), min(proposed, most)),
            )
        )
    with third:
        support_toggle(dataset, "Check the branches")
    found = support(dataset, choice)
    coloured = colour_groups(dataset.judges, colouring, tree.cut(count))
    pairs = long_frame(similarity)
    known = pairs.dropna()
    closest, farthest = (" and ".join(show.plain_markdown(known.iloc[place][side]) for side in ("judge", "other")) for place in (0, -1))
    reading = (
        f"{choice.method.title()} {'similarity' if choice.method == 'cosine' else 'correlation'} of two judges' weights, "
        f"{show.plain_markdown(choice.where(dataset))}: 1 is the same taste. Most alike: {closest} ({known.iloc[0]['similarity']:.2f}); least: "
        f"{farthest} ({known.iloc[-1]['similarity']:.2f}). Of posterior means over {len(dataset.properties) - len(choice.without)} properties; noise "
        "draws them towards 0, and “How sure” has their intervals. "
    )
    if found is not None and found.done:
        strong = int((found.share[:-1] >= 0.7).sum())
        reading += f"{strong} of {len(found.share) - 1} branches come back in at least 70 % of {found.done} resamples of {found.queries:,} queries."
    else:
        reading += "The tree joins judges by average linkage."
    groups_over = 1 if choice.group else len(dataset.scenarios)
    show.chart(
        matrix(similarity, tree, coloured, groups_over, dataset.own_judges, found), pairs, "Similarity of judges", reading, key="similarity"
    )
    if found is not None and found.done:
        with st.expander("Support of the branches", icon=":material/account_tree:", key="branches", on_change="rerun") as folded:
            if folded.open:
                show.data_table(found.branches().round(3), "Branches")
    if tree.left_out:
        st.caption(f"Without a similarity, since they have no numbers in some group: {show.plain_markdown(', '.join(tree.left_out))}.")
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


dataset = session.current()
show.page_head("Similarity", "Which judges want the same?", dataset)
if len(dataset.judges) < 2:
    st.info(
        f"This data has {len(dataset.judges)} judge, and similarity needs two. Add another judge's labels on the Upload page.",
        icon=":material/upload_file:",
    )
    st.stop()
view = controls.choice("View", list(VIEWS), "simview", VIEWS)
choice = asked(dataset)
try:
    {"matrix": matrix_and_tree, "sure": how_sure, "groups": groups}[view](dataset, choice)
except InputError as error:
    show.limit(error)
