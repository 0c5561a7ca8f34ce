"""/proc/interrupts, in the shape of every architecture (kernel/irq/proc.c show_interrupts, arch_show_interrupts).

A counter file of 1,152 CPUs is 13 MB of which a second changes little: a line whose bytes stand where they stood is kept
as parsed, so the second sample costs a comparison of memory.
"""

import re

from tophalf.errors import FormatError
from tophalf.snapshot import Interrupts, Line

PATH = "/proc/interrupts"
COUNTER_MAX = 1 << 64
CELL_BYTES = 11  # "%10u " a CPU: a 32-bit count never needs more
PATCH_CELLS = 64  # a changed line is compared in pieces of so many CPUs, and only the pieces that differ are converted

# After the counts: chip, hwirq, then "-edge" (x86, Xen) or "Edge"/"Level" (CONFIG_GENERIC_IRQ_SHOW_LEVEL), then actions.
_TAIL = re.compile(
    r"(?P<chip>\S+(?: \S+)*?)\s+(?P<hwirq>\d+)"
    r"(?:\s*-(?P<flow>\S+)|\s+(?P<level>Edge|Level)(?:\s*-\S+)?)?(?:\s{2,}(?P<actions>\S.*))?$"
)
# Without a domain the chip has no hwirq: "IR-IO-APIC-edge" (before 3.17), "xen-percpu    -virq".
_TAIL_NO_HWIRQ = re.compile(
    r"(?P<hwirq>)(?P<chip>\S+?(?: \S+)*?)"
    r"(?:\s*-(?P<flow>edge|level|fasteoi|virq|ipi|event|ioapic-edge|ioapic-level|msi|msi-x))?"
    r"(?:\s+(?P<level>Edge|Level))?(?:\s{2,}(?P<actions>\S.*))?$"
)

_ARCH_KINDS = {"LOC": "timer", "RES": "ipi", "CAL": "ipi", "TLB": "ipi", "NMI": "nmi", "ERR": "error", "MIS": "error",
               "Err": "error", "SPU": "error", "BAD": "error"}  # fmt: skip


def read_interrupts(root):
    """Interrupts of one moment, or None. What is cut short or repeated is left out and noted in root.missing.

    Raises: FormatError with file:line.
    """
    data = root.read(PATH)
    if data is None:
        return None
    parsed, notes = parse_interrupts(data, root.memo.get(PATH))
    root.memo[PATH] = parsed
    root.missing.update(notes)
    return parsed.interrupts()


class ParsedInterrupts:
    """A parsed file: the raw header, the CPUs, and (raw line, Line) in file order."""

    def __init__(self, header, cpus):
        self.header, self.cpus, self.lines = header, cpus, []

    def interrupts(self):
        return Interrupts(cpus=self.cpus, lines={line.key: line for _, line in self.lines})


def parse_interrupts(data, before=None):
    """Parse the file's bytes; `before` is an earlier parse whose unchanged lines are kept.

    Returns: (ParsedInterrupts, {"/proc/interrupts:LINE": why a line was left out}). Raises: FormatError with file:line.
    """
    header, newline, _ = data.partition(b"\n")
    if before is None or before.header != header:
        before = ParsedInterrupts(header, _parse_header(header))
    now, notes = ParsedInterrupts(header, before.cpus), {}
    _parse_lines(data, len(header) + len(newline), before, now, notes)
    return now, notes


def _parse_header(header):
    names = header.split()
    cpus = tuple(int(name[3:]) for name in names if name[:3] == b"CPU" and name[3:].isdigit() and len(name) < 12)
    if not names or len(cpus) != len(names):
        raise FormatError("the header does not name CPUs", f"{PATH}:1", "expected CPU0 CPU1 ...")
    if any(left >= right for left, right in zip(cpus, cpus[1:], strict=False)):
        raise FormatError("CPUs of the header are not in order", f"{PATH}:1")
    return cpus


def _parse_lines(data, position, before, now, notes):
    old, old_index, keys = before.lines, 0, set()
    number, append = 2, now.lines.append
    while position < len(data):
        if old_index < len(old) and data.startswith(old[old_index][0], position):
            raw, line = old[old_index]
        else:
            end = data.find(b"\n", position)
            raw = data[position : end + 1] if end >= 0 else data[position:]
            line = _parse_line(raw, before.cpus, number, notes, old, old_index)
        position += len(raw)
        number += 1
        old_index += 1
        if line is not None and line.key not in keys:
            keys.add(line.key)
            append((raw, line))
        elif line is not None:
            notes[f"{PATH}:{number - 1}"] = f"{line.key} is there twice; the first is kept"
        else:
            old_index -= 1


def _parse_line(raw, cpus, number, notes, old, old_index):
    if old_index < len(old):
        line = _patched(raw, *old[old_index], len(cpus))
        if line is not None:
            return line
    key, colon, rest = raw.partition(b":")
    if not colon:
        if raw.strip():
            notes[f"{PATH}:{number}"] = "no interrupt name before a colon; the line is left out"
        return None
    fields = rest.split(None, len(cpus))
    counts, tail = fields[: len(cpus)], fields[len(cpus) :]
    if len(counts) < len(cpus) or not counts[-1].isdigit():
        counts, tail = _short_line(rest, cpus, raw, number, notes)
        if counts is None:
            return None
    if not b"".join(counts).isdigit():
        raise FormatError(f"{_first_bad(counts)!r} is not a count", f"{PATH}:{number}")
    try:
        values = tuple(map(int, counts))
    except ValueError:  # thousands of digits: Python refuses to convert them
        raise FormatError("a count does not fit 64 bits", f"{PATH}:{number}") from None
    if max(values) >= COUNTER_MAX:
        raise FormatError(f"count {str(max(values))[:40]} does not fit 64 bits", f"{PATH}:{number}")
    tail = tail[0].decode("utf-8", "backslashreplace").rstrip() if tail else ""
    return _line(key.strip().decode("utf-8", "backslashreplace"), values, len(counts) == len(cpus), tail, old, old_index)


def _patched(raw, old_raw, old_line, cpu_count):
    """The line with the counts that differ from `old_raw` converted; None when it is laid out in another way."""
    start = raw.find(b":") + 1
    end = start + CELL_BYTES * cpu_count
    if not (old_line.per_cpu and len(raw) == len(old_raw) and raw[:start] == old_raw[:start] and raw[end:] == old_raw[end:]):
        return None
    counts, step = list(old_line.counts), CELL_BYTES * PATCH_CELLS
    for at in range(start, end, step):
        piece = raw[at : min(at + step, end)]
        if piece == old_raw[at : min(at + step, end)]:
            continue
        fields, first = piece.split(), (at - start) // CELL_BYTES
        cut = raw[at - 1 : at].isdigit() and piece[:1].isdigit()
        if cut or len(fields) != min(PATCH_CELLS, cpu_count - first) or not b"".join(fields).isdigit():
            return None
        counts[first : first + len(fields)] = map(int, fields)
    return old_line.replace(counts=tuple(counts))


def _short_line(rest, cpus, raw, number, notes):
    """A line with fewer counts than CPUs: one count for the machine (ERR, MIS), none at all, or a file cut short."""
    fields = rest.split()
    digits = [field for field in fields[: len(cpus)] if field.isdigit()]
    if len(fields) == 1 and digits and raw.endswith(b"\n"):
        return digits, []
    cut = not raw.endswith(b"\n")
    why = "cut short" if cut else f"{len(digits)} counts for {len(cpus)} CPUs"
    notes[f"{PATH}:{number}"] = f"{why}; the line is left out"
    return None, None


def _first_bad(counts):
    return next(count for count in counts if not count.isdigit())[:40].decode("utf-8", "backslashreplace")


def _line(key, counts, per_cpu, tail, old, old_index):
    """Name the parts of a line; the words of the same line before are taken over when they read the same."""
    if old_index < len(old) and old[old_index][1].key == key and old[old_index][1].description == tail:
        line = old[old_index][1]
        if line.per_cpu == per_cpu:
            return line.replace(counts=counts)
    if not (key.isascii() and key.isdigit() and len(key) < 11):
        kind = "ipi" if key.startswith("IPI") else _ARCH_KINDS.get(key, "arch")
        return Line(key=key, kind=kind, counts=counts, per_cpu=per_cpu, actions=(), description=tail)
    match = _TAIL.match(tail) or _TAIL_NO_HWIRQ.match(tail)
    chip, hwirq, flow, level, actions = match.group("chip", "hwirq", "flow", "level", "actions") if match else (None,) * 5
    return Line(
        key=key,
        irq=int(key),
        kind="percpu" if _is_percpu(chip, hwirq) else "device",
        counts=counts,
        per_cpu=per_cpu,
        chip=None if chip in (None, "None", "-") else chip,
        hwirq=int(hwirq) if hwirq else None,
        trigger=(level or flow or "").lower() or None,
        actions=tuple(actions.split(", ")) if actions else (),
        description=tail,
    )


def _is_percpu(chip, hwirq):
    """Lines each CPU has for itself: GIC interrupts 16-31 (PPIs), Xen's per-CPU event channels, RISC-V's local ones."""
    if chip is None:
        return False
    if chip.startswith("GIC"):
        return bool(hwirq) and 16 <= int(hwirq) < 32
    return chip in ("xen-percpu", "RISC-V INTC")
