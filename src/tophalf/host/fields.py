"""One-value files of /proc and /sys, for readers of settings: a broken one is a gap with a reason, not an error.

Nearly every such file is optional (it depends on kernel, driver and build), so its absence is not worth a line in
`Root.missing`; a file that is there and makes no sense is.
"""

import re

from tophalf.errors import FormatError
from tophalf.host.cpumask import parse_list, parse_mask

INTEGER_DIGITS_MAX = 30  # 2**70 has 22: longer "numbers" are garbage


def optional(root, path):
    """A file's text, or None without leaving a note when it is not there."""
    text = root.text(path)
    if text is None:
        root.missing.pop(path, None)
    return text


def optional_listing(root, path):
    """Names in a directory, [] without leaving a note when there is none."""
    names = root.listing(path)
    if not names:
        root.missing.pop(path, None)
    return names


def word(root, path):
    """An optional one-value file, stripped; None when absent or empty."""
    text = optional(root, path)
    return (text.strip() or None) if text else None


def integer(text):
    """Text as an int, or None: decimal ASCII digits with an optional sign, nothing else."""
    digits = text.strip()
    body = digits[1:] if digits[:1] in ("-", "+") else digits
    return int(digits) if body.isascii() and body.isdigit() and len(body) <= INTEGER_DIGITS_MAX else None


def number(root, path):
    """An optional one-integer file; None when absent, and noted when it is no integer."""
    text = word(root, path)
    if text is None:
        return None
    value = integer(text)
    if value is None:
        root.missing[path] = f"not a number: {text[:40]!r}"
    return value


def cpu_list(root, path):
    """An optional file with CPUs as a list (0-3,8), also as block devices write it (0, 1). None when absent or broken."""
    return _cpus(root, path, parse_list)


def cpu_mask(root, path):
    """An optional file with CPUs as a hex mask. None when absent or broken."""
    return _cpus(root, path, parse_mask)


def _cpus(root, path, parse):
    text = optional(root, path)
    if text is None:
        return None
    try:
        return parse("".join(text.split()), f"{path}:1")
    except FormatError as error:
        root.missing[path] = error.what
        return None


def speaks_here(root):
    """Whether sockets and devices of this process speak for the machine: not so for a host's /proc mounted elsewhere."""
    return root.live and not root.prefix


def first_text(root, *paths):
    """Path and text of the first of several files that is there; (None, None) when none is."""
    for path in paths:
        text = optional(root, path)
        if text is not None:
            return path, text
    return None, None


def link_text(root, path):
    """A symlink's target text, also where a directory on the way is a symlink itself; None when there is none."""
    text = root.link(path)
    if text is None and not root.live:
        folder, _, name = path.rpartition("/")
        real = root.real(folder)
        text = root.link(f"{real}/{name}") if real else None
    return text


def link_name(root, path):
    """What a symlink points to, by its last part: the driver of .../driver."""
    return (link_text(root, path) or "").rpartition("/")[2] or None


_PCI_ADDRESS = re.compile(r"(?:^|/)([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=/|$)")


def pci_address(text):
    """The last PCI address (0000:00:03.0) in a path of /sys/devices: the function a device hangs on. None without."""
    found = _PCI_ADDRESS.findall(text or "")
    return found[-1] if found else None
