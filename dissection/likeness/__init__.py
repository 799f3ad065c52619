"""How far similarities of judges can be trusted, and what judges of one kind have in common."""
