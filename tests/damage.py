"""Damaged input for the readers' tests: real text cut short, overwritten, repeated, or bytes of any kind."""

import contextlib

from hypothesis import strategies as st

from tophalf.errors import FormatError
from tophalf.host.roots import MemoryRoot

HOSTILE = (b"9" * 5000, b"-1", b"0x", b"\0", b"\xff\xfe", b"18446744073709551616", b"1180591620717411303424", b"1e9", "٣".encode(),
           b"0-99999999999", b"ffffffff," * 400, b"\n\n", b":", b"()", b"[" * 3000, b"\x85", b"\x1c", b"nan")  # fmt: skip


def damaged(*samples):
    """Bytes like those of the samples, spoilt in one or two places."""
    junk = st.binary(max_size=40) | st.sampled_from(HOSTILE)
    spoilt = st.builds(_spoil, st.sampled_from(samples), st.floats(0, 1), st.floats(0, 1), junk)
    return spoilt | st.binary(max_size=300) | st.builds(_spoil, spoilt, st.floats(0, 1), st.floats(0, 1), junk)


def survives(reader, files, links=None):
    """Run a reader over files in memory: any answer will do, and FormatError; another exception is the test's failure."""
    with contextlib.suppress(FormatError):
        return reader(MemoryRoot(files, links or {}))
    return None


def text_of(data):
    """Bytes as the roots decode them."""
    return data.decode("utf-8", "surrogateescape")


def _spoil(data, begin, end, junk):
    first, last = sorted((int(begin * len(data)), int(end * len(data))))
    return data[:first] + junk + (data[last:] if begin <= end else b"")
