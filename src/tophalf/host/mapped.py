"""Large files read in place: a memory map instead of a copy, as long as nobody can cut the file under it."""

import contextlib
import fcntl
import mmap
import os
import signal


@contextlib.contextmanager
def file_contents(path):
    """The bytes of a plain file for the length of a `with`: a memoryview of a map where that is safe, else of a copy.

    A file that shrinks while it is mapped kills its reader with SIGBUS. A read lease (fcntl(2) F_SETLEASE) keeps it from
    that: whoever wants to write or cut the file waits in open(2) until the lease is given back here. Nothing may keep a
    part of the view afterwards.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        if size and _lease(fd):
            yield memoryview(mmap.mmap(fd, size, prot=mmap.PROT_READ))
        else:
            with open(fd, "rb", closefd=False) as file:
                yield memoryview(file.read())
    finally:
        with contextlib.suppress(OSError):  # there is no lease to give back
            # the map has a descriptor of its own on the same open file: closing ours would not end the lease
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(fd)


def _lease(fd):
    """Take a read lease. Returns whether: not where somebody writes the file, it is not ours, or its file system has none."""
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)  # instead of SIGIO, which ends a process that does not expect it
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        return False
    return True
