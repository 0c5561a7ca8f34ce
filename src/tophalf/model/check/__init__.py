"""What is wrong with drivers in Python while they run: locks, contexts, times; how it is kept and told."""
