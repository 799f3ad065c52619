"""Similarity: which judges are alike."""

import streamlit as st

from dissection.clusters import cluster, map_judges
from dissection.dashboard import controls, session, show
from dissection.dashboard.address import keep
from dissection.figures.likeness import COLOURINGS, colour_groups, long_frame, matrix, scatter_map
from dissection.similarity import METHODS, similarity_matrix

dataset = session.current()
show.page_head("Similarity", "Which judges want the same?", dataset)
if len(dataset.judges) < 2:
    st.info(
        f"This data has {len(dataset.judges)} judge, and similarity needs two. Add another judge's labels on the Upload page.",
        icon=":material/upload_file:",
    )
    st.stop()

first, second, third = st.columns([2, 1.4, 1])
with first:
    group = controls.group_or_overall(dataset)
with second:
    method = controls.choice("Correlation", METHODS, "method", {"pearson": "Pearson", "spearman": "Spearman"})
with third:
    most = min(12, len(dataset.judges))
    count = int(st.number_input("Clusters", 1, most, **keep("clusters", range(1, most + 1), min(3, most))))
colouring = controls.choice("Colour judges by", COLOURINGS, "colour")

groups = (group,) if group else dataset.scenarios
similarity = similarity_matrix(session.posteriors(dataset, groups), method)
tree = cluster(similarity)
if len(tree.judges) < 2:
    st.info("Fewer than two judges have numbers here; choose other pairs above.")
    st.stop()
coloured = colour_groups(dataset.judges, colouring, tree.cut(count))
pairs = long_frame(similarity)
known = pairs.dropna()
where = f"in {show.plain_markdown(group.label)}" if group else f"averaged over {len(groups)} scenarios"
closest, farthest = (" and ".join(show.plain_markdown(known.iloc[place][side]) for side in ("judge", "other")) for place in (0, -1))
reading = (
    f"{method.title()} correlation of two judges' weights, {where}: 1 is the same taste. Most alike: {closest} "
    f"({known.iloc[0]['similarity']:.2f}); least: {farthest} ({known.iloc[-1]['similarity']:.2f}). These are correlations of posterior "
    f"means over {len(dataset.properties)} properties; they have no interval, and noise in small groups draws them towards 0. The tree joins judges by average linkage."
)
show.chart(matrix(similarity, tree, coloured, len(groups), dataset.own_judges), pairs, "Similarity of judges", reading)
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
