"""What to simulate: validated, frozen, from TOML. Knows nothing of how it is run."""
