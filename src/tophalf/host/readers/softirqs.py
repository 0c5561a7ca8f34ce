"""/proc/softirqs (fs/proc/softirqs.c show_softirqs): softirqs handled since boot, a row a vector, a column a CPU.

The columns are the possible CPUs (for_each_possible_cpu), unlike /proc/interrupts, which has the online ones.
"""

from tophalf.errors import FormatError
from tophalf.snapshot import CpuTable

PATH = "/proc/softirqs"


def read_softirqs(root):
    """CpuTable with a row a vector name, or None. Raises: FormatError with file:line."""
    data = root.read(PATH)
    return None if data is None else parse_softirqs(data)


def parse_softirqs(data):
    """Parse the file's bytes. Raises: FormatError with file:line."""
    lines = data.splitlines()
    names = lines[0].split() if lines else []
    cpus = tuple(int(name[3:]) for name in names if name[:3] == b"CPU" and name[3:].isdigit() and len(name) < 12)
    if not names or len(cpus) != len(names):
        raise FormatError("the header does not name CPUs", f"{PATH}:1", "expected CPU0 CPU1 ...")
    rows = {}
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            name, counts = _parse_row(line, cpus, number)
            rows[name] = counts
    return CpuTable(cpus=cpus, rows=rows)


def _parse_row(line, cpus, number):
    name, _, rest = line.partition(b":")
    fields = rest.split()
    if len(fields) != len(cpus):
        raise FormatError(f"{len(fields)} counts for {len(cpus)} CPUs in the header", f"{PATH}:{number}")
    if not b"".join(fields).isdigit():
        raise FormatError("a count is not a number", f"{PATH}:{number}")
    try:
        counts = tuple(map(int, fields))
    except ValueError:  # thousands of digits: Python refuses to convert them
        counts = (1 << 64,)
    if max(counts) >> 64:
        raise FormatError("a count does not fit 64 bits", f"{PATH}:{number}")
    return name.strip().decode("utf-8", "backslashreplace"), counts
