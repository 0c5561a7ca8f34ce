"""CPU sets as the kernel writes and reads them (lib/bitmap-str.c): hex masks in words of 32 bits, and lists."""

import re

from tophalf.errors import FormatError

_HEX = frozenset("0123456789abcdefABCDEF")
_RANGE = re.compile(r"[0-9]{1,9}(-[0-9]{1,9}(:[0-9]{1,9}/[0-9]{1,9})?)?")  # lib/bitmap-str.c bitmap_parse_region
CPUS_MAX = 8192  # CONFIG_NR_CPUS of the largest distribution kernels; keeps "0-99999999999" from eating memory


def parse_mask(text, where=""):
    """CPUs of a hex mask such as `f`, `00000003` or `ffffffff,00000000`. Returns a sorted tuple.

    Raises: FormatError.
    """
    words = text.strip().split(",")
    try:
        if any(len(word) > 8 for word in words[1:]) or not all(word and _HEX.issuperset(word) for word in words):
            raise ValueError
        bits = int("".join([words[0], *(word.zfill(8) for word in words[1:])]), 16)
    except ValueError:
        shown = repr(text.strip()[:40])
        raise FormatError(f"{shown} is not a CPU mask", where, "write hex words such as ff or ffffffff,00000000") from None
    if bits.bit_length() > CPUS_MAX:
        raise FormatError(f"mask names CPU {bits.bit_length() - 1}, above {CPUS_MAX - 1}", where)
    return tuple(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)


def parse_list(text, where=""):
    """CPUs of a list such as `0-3,8` or `0-31:2/4`. Returns a sorted tuple; an empty list is ().

    Raises: FormatError.
    """
    cpus = set()
    for part in filter(None, text.strip().split(",")):
        cpus.update(_parse_range(part, where))
    return tuple(sorted(cpus))


def _parse_range(part, where):
    part = part.strip()
    if not _RANGE.fullmatch(part):
        raise FormatError(f"{part[:40]!r} is not a CPU list", where, "write for example 0-3,8")
    span, _, stride = part.partition(":")
    first, _, last = span.partition("-")
    used, _, group = stride.partition("/")
    first, last = int(first), int(last or first)
    used, group = (int(used), int(group)) if stride else (1, 1)
    if not 0 <= first <= last < CPUS_MAX or not 0 < used <= group:
        raise FormatError(f"{part[:40]!r} is not a range of CPUs below {CPUS_MAX}", where)
    return (cpu for cpu in range(first, last + 1) if (cpu - first) % group < used)


def format_mask(cpus, width=0):
    """The kernel's hex form; width: CPUs the mask must have room for (0: as few digits as needed)."""
    bits = sum(1 << cpu for cpu in set(cpus))
    digits = f"{bits:0{-(-width // 4)}x}"
    first = len(digits) % 8 or 8
    return ",".join([digits[:first], *(digits[at : at + 8] for at in range(first, len(digits), 8))])
