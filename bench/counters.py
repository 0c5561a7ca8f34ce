"""A second sample of /proc/interrupts on 1,152 CPUs, against plain Python and against a C scan of the same bytes."""

import bz2
import ctypes
import os
import random
import subprocess
import tempfile
import time

from tophalf.host.readers.interrupts import CELL_BYTES, parse_interrupts

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("TOPHALF_SHARED", os.path.join(HERE, "..", "..", "shared"))
FILE = os.path.join(SHARED, "hosts", "files", "interrupts-1152cpu-x86_64.bz2")
ROUNDS = 15


def measure():
    """Rows (figure, measured ratio, limit, remark) for run.py."""
    text, origin = sample()
    scan = build_scan()
    rows = []
    for name, share in (("5 % of lines changed", 0.05), ("every active line changed", 1.0)):
        ours, plain, in_c = median_times(text, changed(text, share), scan)
        remark = f"{ours * 1e3:.1f} ms, plain Python {plain * 1e3:.1f}, C {in_c * 1e3:.1f}; {origin}"
        limits = (8.0, 2.0) if share < 1 else (None, None)
        rows.append((f"interrupts, 1,152 CPUs, {name}: times faster than plain Python", plain / ours, limits[0], ">=", remark))
        rows.append((f"interrupts, 1,152 CPUs, {name}: times a C scan", ours / in_c, limits[1], "<=", remark))
    return rows


def sample():
    """The bytes, and where they are from: another project's real file where it stands, else one made in its shape."""
    if os.path.exists(FILE):
        with bz2.open(FILE, "rb") as file:
            return file.read(), "a real machine's file"
    chance = random.Random(1152)
    lines = ["     " + "".join(f"{f'CPU{cpu}':>10} " for cpu in range(1152))]
    for irq in range(1056):
        counts = [0] * 1152
        counts[chance.randrange(1152)] = chance.randrange(10**6)
        lines.append(f"{irq:5}: " + "".join(f"{count:10} " for count in counts) + f" IR-PCI-MSI {irq}-edge      dev-{irq}")
    return ("\n".join(lines) + "\n").encode(), "a file made up in the shape of a real one"


def changed(text, share):
    """The text with every nonzero counter raised by one in a share of the lines (spread over those that ever counted)."""
    lines = text.split(b"\n")
    active = [at for at, line in enumerate(lines) if at and raised(line) != line]
    wanted = active if share >= 1 else active[:: max(1, len(active) // round(share * len(lines)))][: round(share * len(lines))]
    for at in wanted:
        lines[at] = raised(lines[at])
    return b"\n".join(lines)


def raised(line):
    """The line with every nonzero cell one higher, as long as it keeps its digits."""
    start = line.find(b":") + 1
    cells = [line[at : at + CELL_BYTES] for at in range(start, len(line), CELL_BYTES)]
    for index, cell in enumerate(cells):
        digits = cell.strip()
        if not digits.isdigit():
            break
        if int(digits) and len(b"%d" % (int(digits) + 1)) == len(digits):
            cells[index] = cell.replace(digits, b"%d" % (int(digits) + 1))
    return line[:start] + b"".join(cells)


def plain_python(text):
    """What one writes first: split and convert every line. Returns {key: [counts]}."""
    table = {}
    lines = text.split(b"\n")
    width = len(lines[0].split())
    for line in lines[1:]:
        key, _, rest = line.partition(b":")
        table[key] = [int(field) for field in rest.split()[:width] if field.isdigit()]
    return table


def build_scan():
    library = os.path.join(tempfile.mkdtemp(), "scan.so")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "scan.c")], check=True)
    scan = ctypes.CDLL(library).scan
    scan.restype, scan.argtypes = ctypes.c_size_t, [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
    return scan


def median_times(before, after, scan):
    """Seconds (ours, plain Python, C), medians of interleaved rounds so that all meet the same noise."""
    first, _ = parse_interrupts(before)
    columns = len(first.cpus)
    counters = (ctypes.c_uint64 * (columns * (len(first.lines) + 8)))()
    times = ([], [], [])
    for _ in range(ROUNDS):
        for kept, work in zip(times, (lambda: parse_interrupts(after, first), lambda: plain_python(after),
                                      lambda: scan(after, len(after), counters, columns)), strict=True):  # fmt: skip
            start = time.perf_counter()
            work()
            kept.append(time.perf_counter() - start)
    return [sorted(kept)[ROUNDS // 2] for kept in times]
