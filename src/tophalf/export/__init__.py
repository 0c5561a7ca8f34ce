"""Event tables as files for other tools."""
