"""Advice: which bottom half for which work, what its driver looks like, and what the model measures of it and of the others.

Leaves out: interrupts that no driver has (timers, IPIs), PREEMPT_RT (where nearly all of it runs in threads), and power.
"""
