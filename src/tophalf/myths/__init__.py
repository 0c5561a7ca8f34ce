"""Misconceptions about interrupts, each tried on the model: what is claimed, what is run, and how the verdict is computed."""
