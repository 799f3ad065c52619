"""Charts: a data frame first, then a Plotly figure from it. Nothing here fits or reads."""
