"""Workqueues: concurrency-managed pools, their workers, flushing, freezing, BH work."""
