"""Interrupts: from a device's message through its line to handlers and threads; masks, vectors, managed lines."""
