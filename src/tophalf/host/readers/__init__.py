"""Readers: one a file or interface of the kernel; each takes a Root and fills a field of the Snapshot."""
