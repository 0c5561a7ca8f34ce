"""CPUS as people write them: a hex mask or a list, and no guess where one word could be either.

`/proc/irq/N/smp_affinity` and taskset take a plain number for a mask, tuna and `taskset -c` for a CPU. To guess wrong moves
an interrupt to a CPU nobody named, so a plain number that differs between the two is refused, on every machine alike.
"""

import re

from tophalf.errors import FormatError, SteerError
from tophalf.host.cpumask import CPUS_MAX, format_mask, parse_list, parse_mask
from tophalf.vocab import cpu_list

HELP = """CPUS is a hex mask or a list:
  mask   f   0x3   00000003   ffffffff,00000000     (words of eight digits after the first, as the kernel prints)
  list   0-3,8   0,2   0-31:1/2   0        (0-31:1/2: the first of every two)
A plain number from 1 up, such as 10, is CPU 10 as a list and CPU 4 as a mask: it is refused. Write 0x10 or --list 10."""

_MASK_PREFIXED = re.compile(r"0[xX][0-9a-fA-F]+(,[0-9a-fA-F]{8})*$")
_MASK_WORDS = re.compile(r"[0-9a-fA-F]+(,[0-9a-fA-F]{8})+$")
_MASK_LETTERS = re.compile(r"(?=[0-9]*[a-fA-F])[0-9a-fA-F]+$")
_MASK_PADDED = re.compile(r"0[0-9]+$")
_NUMBER = re.compile(r"[0-9]+$")
_LIST = re.compile(r"[0-9]+([-:/,][0-9]+)*,?$")


def read_cpus(text):
    """CPUs of a word in either notation. Returns (sorted tuple, "mask" or "list").

    Raises: SteerError when it means different CPUs in both; FormatError when it is neither, or no CPU at all.
    """
    text = text.strip()
    if any(form.match(text) for form in (_MASK_PREFIXED, _MASK_WORDS, _MASK_LETTERS, _MASK_PADDED)):
        return read_mask(text), "mask"
    if _NUMBER.match(text) and text != "0":
        if int(text[:9]) >= CPUS_MAX:  # no CPU has such a number, so it can only be a mask
            return read_mask(text), "mask"
        raise _either(text)
    if _LIST.match(text):
        return read_list(text), "list"
    raise FormatError(f"{text[:40]!r} is neither a CPU mask nor a CPU list", "CPUS", "write for example 0-3,8 or 0xf")


def read_mask(text):
    """CPUs of a hex mask, `0x` allowed. Raises: FormatError."""
    text = text.strip()
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    return _some(parse_mask(digits, "CPUS"), text)


def read_list(text):
    """CPUs of a list. Raises: FormatError."""
    return _some(parse_list(text, "CPUS"), text)


def _some(cpus, text):
    if not cpus:
        raise FormatError(f"{text[:40]!r} names no CPU", "CPUS", "an interrupt needs at least one")
    return cpus


def _either(text):
    listed, masked = parse_list(text, "CPUS"), parse_mask(text, "CPUS")
    return SteerError(
        f"{text!r} could be a list (CPU {text}) or a mask (CPU {cpu_list(masked)})",
        "CPUS",
        f"write --list {text} (or 0x{format_mask(listed)}) for CPU {text}, 0x{text} for CPU {cpu_list(masked)}",
    )
