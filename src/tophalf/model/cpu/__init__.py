"""Between CPUs: interrupts and calls from one to another, and CPUs that go offline and come online."""
