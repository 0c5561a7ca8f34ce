"""The scheduler, as far as interrupt work competes with tasks, and what tasks do."""
