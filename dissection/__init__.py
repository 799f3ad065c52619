"""Preference Dissection: what a judge's preferences are made of."""

__version__ = "0.1.0"
