"""Sampling behind the page: a queue of jobs, worker processes, and a store of what was sampled."""
