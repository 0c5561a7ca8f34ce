"""A plain tar by its headers alone: what each member holds is read when it is asked for.

For recordings, which can be hundreds of MB and 100,000s of members. Reads files, symlinks, directories and GNU's long names
(POSIX ustar, "tar (GNU) format"); an archive with anything else (pax headers, sparse files) is left to `archive`.
Not a memory map: a file that shrinks while mapped kills the process that reads it.
"""

import os

from tophalf.host import archive

BLOCK = 512
NAME_BYTES_MAX = 1 << 16  # a GNU long name beyond any PATH_MAX is not a name
_FILE, _LINK, _FOLDER, _LONG_NAME, _LONG_LINK = (b"0", b"\0", b"7"), (b"2",), (b"5", b"1", b"3", b"4", b"6"), b"L", b"K"


class Stored:
    """A file inside an archive. `read` gives its bytes, or None when the archive no longer has them."""

    __slots__ = ("fd", "offset", "size", "mode")

    def __init__(self, fd, offset, size, mode):
        self.fd, self.offset, self.size, self.mode = fd, offset, size, mode

    def read(self):
        data = os.pread(self.fd.fileno(), self.size, self.offset)
        return data if len(data) == self.size else None


class _Unusual(Exception):
    """A member that this reader leaves to `archive`."""


class _Damaged(Exception):
    """A header that is none, or data that end early."""


def index_tar(path, label):
    """Files and links of a plain tar. Returns (files {path: Stored}, links {path: target}, notes), or None for another kind.

    Paths and notes as `archive.read_archive` gives them. Raises: OSError.
    """
    file = open(path, "rb", buffering=1 << 20)  # noqa: SIM115  kept by what is Stored in it
    files, links, notes = {}, {}, []
    try:
        _read_headers(file, files, links, notes)
    except _Unusual:
        file.close()
        return None
    except _Damaged as error:
        if not files:
            return None
        notes.append(f"{label}: archive is damaged after {len(files)} files ({error}); the rest is not read")
    return files, links, notes


def _read_headers(file, files, links, notes):
    end, outside, total = os.fstat(file.fileno()).st_size, 0, 0
    for count, (name, kind, offset, size, mode, target) in enumerate(_members(file, end)):
        total += size
        if count > archive.MEMBERS_MAX or total > archive.TOTAL_BYTES_MAX:
            notes.append(archive.too_large_note())
            break
        path = os.path.normpath("/" + name)
        if ".." in name.split("/"):
            outside += 1
        elif kind in _LINK:
            links[path] = target
        elif kind in _FILE and archive.wanted(path):
            files[path] = Stored(file, offset, size, mode)
    if outside:
        notes.append(archive.outside_note(outside))


def _members(file, end):
    """Each member as (name, kind, offset of its data, size, mode, link target)."""
    name, target = None, None
    while True:
        header = file.read(BLOCK)
        if not header or header == bytes(BLOCK):
            return
        kind, size = _checked(header)
        offset = file.tell()
        size = size if kind in _FILE or kind in (_LONG_NAME, _LONG_LINK) else 0
        if offset + size > end:
            raise _Damaged(f"{name or _text(header[:100])} is cut short")
        if kind == _LONG_NAME:
            name = _text(file.read(min(size, NAME_BYTES_MAX)))
        elif kind == _LONG_LINK:
            target = _text(file.read(min(size, NAME_BYTES_MAX)))
        else:
            yield name or _name(header), kind, offset, size, _mode(header), target or _text(header[157:257])
            name, target = None, None
        file.seek(offset + size + -size % BLOCK)


def _checked(header):
    """(kind, size) of a header. The checksum counts its own eight bytes as spaces."""
    if len(header) < BLOCK:
        raise _Damaged("a header is cut short")
    try:
        told = int(header[148:156].strip(b" \0"), 8)
        size = int(header[124:136].strip(b" \0") or b"0", 8)
    except ValueError:
        if header[124] & 0x80:  # a size in base 256
            raise _Unusual from None
        raise _Damaged("not a header") from None
    if told != sum(header) - sum(header[148:156]) + 8 * 32 or size < 0:
        raise _Damaged("bad checksum of a header")
    kind = header[156:157]
    if kind not in (*_FILE, *_LINK, *_FOLDER, _LONG_NAME, _LONG_LINK):
        raise _Unusual
    return kind, size


def _mode(header):
    """Permissions; None where the field holds no number."""
    try:
        return int(header[100:108].strip(b" \0"), 8) & 0o7777
    except ValueError:
        return None


def _name(header):
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""  # GNU's own format has other fields there
    return f"{prefix}/{_text(header[:100])}" if prefix else _text(header[:100])


def _text(field):
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")
