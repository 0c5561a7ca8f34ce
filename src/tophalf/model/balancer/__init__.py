"""irqbalance, as a daemon on a simulated machine: reads counts and times from its files, and writes masks.

`tree` is the machine as it sees it; `loads` gives each interrupt its share; `placement` is its rule; `daemon` reads and writes.
After Irqbalance/irqbalance at cd9212f (20 March 2026). What is left out stands in each file.
"""
