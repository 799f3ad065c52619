"""Streamlit glue: what a session holds, bounded caches, controls, and how charts are shown."""
