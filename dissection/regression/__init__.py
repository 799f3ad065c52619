"""The model, the fast engine and the posterior."""
