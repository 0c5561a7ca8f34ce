"""Rules that turn metrics into findings, one file a family."""
