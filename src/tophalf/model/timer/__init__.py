"""Timers: the local timer interrupt, the wheel, hrtimers, timers of drivers."""
