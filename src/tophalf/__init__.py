"""tophalf: the Linux interrupt subsystem, read, recorded, judged and steered from Python."""

__version__ = "0.1.0"
