"""Drivers in Python that myths hold against the kernel's rules: texts to read, not to import."""
