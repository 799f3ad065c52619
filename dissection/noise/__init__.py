"""Trust in annotations: how far two annotations of the same pairs agree, what their noise is, and what it does to effects."""
