"""Annotating pairs by a model: what a query holds, how two answers differ on properties, and which errors they have."""
