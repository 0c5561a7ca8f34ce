"""Archives as machines: a tar, plain or compressed, read into memory under limits, as far as it is whole.

Foreign input: paths that leave the archive, bombs, loops and truncation are survived. What was left out is said in notes.
"""

import io
import os
import re

TOTAL_BYTES_MAX = 1 << 31  # unpacked; a sosreport's proc/ and sys/ are some 10 MB, a long recording some hundred
MEMBERS_MAX = 2_000_000

# Parts of an archive that any reader may ask for: the rest of a sosreport (logs, rpm lists) is not read into memory.
_WANTED = re.compile(
    r"(^|/)(proc|sys|trace)/|(^|/)(dmesg|thread_ticks\.json|netdev_napi\.json|workload\.sh|trace\.dat)$|sos_commands/(kernel|networking|process|hardware)/|"
    r"(^|/)etc/(default|sysconfig)/irqbalance$|(^|/)etc/tuned/|(^|/)boot/config-[^/]*$"
)


def read_archive(stream, label):
    """Files and links of a tar stream. Returns (files {path: bytes}, links {path: target}, notes [str]).

    Paths are absolute in the archive ("/CASE/000.000/proc/stat"). A damaged tail ends the reading with a note.
    """
    import tarfile

    files, links, notes = {}, {}, []
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as tar:
            _read_members(tar, files, links, notes)
    except (tarfile.TarError, EOFError, OSError, ValueError, *_decompressor_errors()) as error:
        why = error or type(error).__name__
        notes.append(f"{label}: archive is damaged after {len(files)} files ({why}); the rest is not read")
    return files, links, notes


def _decompressor_errors():
    import lzma
    import zlib

    return lzma.LZMAError, zlib.error


def _read_members(tar, files, links, notes):
    total, outside = 0, 0
    for count, member in enumerate(tar):
        path = os.path.normpath("/" + member.name)
        if ".." in member.name.split("/"):
            outside += 1
            continue
        if count > MEMBERS_MAX:
            notes.append(too_large_note())
            break
        if member.issym():
            links[path] = member.linkname
        elif member.isfile() and wanted(path):
            total += member.size
            if total > TOTAL_BYTES_MAX:
                notes.append(too_large_note())
                break
            files[path] = _member_bytes(tar, member)
    if outside:
        notes.append(outside_note(outside))


def wanted(path):
    """Whether any reader may ask for this path of an archive."""
    return _WANTED.search(path) is not None


def too_large_note():
    return f"archive is larger than {TOTAL_BYTES_MAX >> 30} GiB or {MEMBERS_MAX} files: reading stopped"


def outside_note(count):
    return f"{count} paths that leave the archive were skipped"


class Kept(bytes):
    """A file's bytes with the `mode` that the archive gives it."""


def _member_bytes(tar, member):
    data = tar.extractfile(member).read()
    if len(data) < member.size:
        raise EOFError(f"{member.name} is cut short")
    kept = Kept(data)
    kept.mode = member.mode & 0o7777
    return kept


def unpack_stream(path):
    """A file opened for reading with gzip, bzip2, xz or zstd taken off. Returns a binary file object."""
    with open(path, "rb") as file:
        magic = file.read(6)
    if magic[:2] == b"\x1f\x8b":
        import gzip

        return gzip.open(path, "rb")
    if magic[:3] == b"BZh":
        import bz2

        return bz2.open(path, "rb")
    if magic == b"\xfd7zXZ\0":
        import lzma

        return lzma.open(path, "rb")
    if magic[:4] == b"\x28\xb5\x2f\xfd":
        import zstandard

        return io.BufferedReader(zstandard.open(path, "rb"))
    return open(path, "rb")
