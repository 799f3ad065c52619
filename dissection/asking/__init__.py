"""Asking models for what people would otherwise bring: verdicts, grades, and the answers themselves."""
