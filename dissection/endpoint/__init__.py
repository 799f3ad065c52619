"""One careful client for chat endpoints: addresses, keys, back-off, a journal of what was paid for, and a budget that holds."""
