"""A bare Streamlit page with one Plotly heatmap of the size of the demo's: what Streamlit and Plotly need by themselves."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

JUDGES, PROPERTIES = 14, 29

st.title("Bare")
values = np.random.default_rng(0).normal(50, 10, size=(JUDGES, PROPERTIES))
st.plotly_chart(go.Figure(go.Heatmap(z=values)), key="bare")
