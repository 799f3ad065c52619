"""Bad input on purpose: what the fuzz tests and the coverage-guided harness share."""
