"""The one door to a machine, live or recorded: everything that touches a path, a socket or the kernel's settings."""
