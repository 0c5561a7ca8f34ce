"""Scenarios into worlds: one module a section of a scenario, plain Python, run once before the run."""
