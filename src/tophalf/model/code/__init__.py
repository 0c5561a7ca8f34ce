"""Drivers that people write in Python as programs: locals, arithmetic, state of devices, locks; the generator of such programs."""
