"""Scripts that measure; none is part of the library."""
