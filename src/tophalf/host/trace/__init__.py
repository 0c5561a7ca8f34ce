"""Traces of any origin into the event table; `traces.load_events` is the door."""
