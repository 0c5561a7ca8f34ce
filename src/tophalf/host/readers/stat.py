"""/proc/stat (fs/proc/stat.c show_stat): CPU times in USER_HZ ticks, context switches, interrupt and softirq totals.

The `intr` line (one number an interrupt, megabytes on a large machine) is cut off after its total.
"""

from tophalf.errors import FormatError
from tophalf.snapshot import Stat
from tophalf.vocab import SOFTIRQS

PATH = "/proc/stat"
_COUNTERS = {b"ctxt": "context_switches", b"btime": "boot_time_s", b"processes": "processes"}


def read_stat(root):
    """Stat, or None. Raises: FormatError with file:line."""
    data = root.read(PATH)
    return None if data is None else parse_stat(data)


def parse_stat(data):
    """Parse the file's bytes. `ticks` holds online CPUs only; times a kernel does not have are left off the end."""
    ticks, values = {}, {}
    for number, line in enumerate(data.splitlines(), 1):
        name, _, rest = line.partition(b" ")
        if name[:3] == b"cpu" and name[3:].isdigit() and len(name) < 12:
            ticks[int(name[3:])] = _numbers(rest.split(), number)
        elif name in _COUNTERS:
            values[_COUNTERS[name]] = _numbers(rest.split()[:1], number)[0]
        elif name == b"intr":
            values["interrupts"] = _numbers(rest.split(None, 1)[:1], number)[0]
        elif name == b"softirq":
            counts = _numbers(rest.split(), number)
            values["softirqs"] = dict(zip(SOFTIRQS, counts[1:], strict=False))
    return Stat(ticks=ticks, **values)


def _numbers(fields, number):
    if not fields or not b"".join(fields).isdigit():
        raise FormatError("expected numbers after the name", f"{PATH}:{number}")
    return tuple(map(int, fields))
