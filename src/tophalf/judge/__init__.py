"""Opinions from snapshots and event tables; opens nothing, and cannot tell a recording from a simulation."""
