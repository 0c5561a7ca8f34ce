"""Recording this host: a tracefs instance of our own, its events and counters into a file that only grows."""
