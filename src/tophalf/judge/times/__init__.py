"""Events into spans, and spans into statistics; `timing.time_events` is the door."""
