"""CPUS as people write them: a hex mask or a list. One rule decides, on every machine alike; what was understood is shown.

`/proc/irq/N/smp_affinity` and taskset take a plain number for a mask; `smp_affinity_list`, tuna, `taskset -c`, isolcpus= and
cpusets for a CPU. A plain decimal number is a CPU here, as everywhere where CPUs are named; a mask shows itself by `0x`,
a leading zero, a letter, or words of eight digits.
"""

import re

from tophalf.errors import FormatError
from tophalf.host.cpumask import CPUS_MAX, parse_list, parse_mask

HELP = """CPUS is a hex mask or a list:
  mask   f   0x3   00000003   ffffffff,00000000     (words of eight digits after the first, as the kernel prints)
  list   0-3,8   0,2   0-31:1/2   0        (0-31:1/2: the first of every two)
A plain number is a CPU: 10 is CPU 10. The mask of CPU 4 is 0x10 (or --mask 10). What was understood is printed; --dry-run
prints it without writing."""

_MASK_PREFIXED = re.compile(r"0[xX][0-9a-fA-F]+(,[0-9a-fA-F]{8})*$")
_MASK_WORDS = re.compile(r"[0-9a-fA-F]+(,[0-9a-fA-F]{8})+$")
_MASK_LETTERS = re.compile(r"(?=[0-9]*[a-fA-F])[0-9a-fA-F]+$")
_MASK_PADDED = re.compile(r"0[0-9]+$")
_NUMBER = re.compile(r"[0-9]+$")
_LIST = re.compile(r"[0-9]+([-:/,][0-9]+)*,?$")


def read_cpus(text):
    """CPUs of a word in either notation. Returns (sorted tuple, "mask" or "list").

    Raises: FormatError when it is neither, or no CPU at all.
    """
    text = text.strip()
    if any(form.match(text) for form in (_MASK_PREFIXED, _MASK_WORDS, _MASK_LETTERS, _MASK_PADDED)):
        return read_mask(text), "mask"
    if _NUMBER.match(text) and int(text[:9]) >= CPUS_MAX:  # no CPU has such a number, so it can only be a mask
        return read_mask(text), "mask"
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

