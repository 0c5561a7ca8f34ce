"""Traces in text: tracefs `trace` and `trace_pipe`, and what `trace-cmd report` prints, with and without -t and -l.

    bash-345     [001] d.h1.  1916.252022: softirq_raise: vec=9 [action=RCU]        kernel/trace/trace_output.c
    <idle>-0     [001]    46.206724772: softirq_raise:  vec=9 [action=RCU]          trace-cmd report -t
    <idle>-0       1d.h1.    46.206724772: softirq_raise:  vec=9 [action=RCU]       trace-cmd report -t -l
    <idle>-0       1-0x9     46.206724772: softirq_raise:  vec=9                    trace-cmd report -t -l -R

Text says less than the buffer: microseconds, no address of a function, `handled` for every return value but 0.
"""

import re

from tophalf import vocab
from tophalf.errors import FormatError
from tophalf.events import make_table
from tophalf.host.trace.symbols import NamedFunctions
from tophalf.host.trace.tracetext_args import Arguments

_LINE = re.compile(
    r"(?P<comm>.*?)-(?P<pid>\d+)\s+(?:\(\s*[-\d]+\)\s+)?"  # comm may hold spaces and dashes; (TGID)
    r"(?:\[(?P<cpu>\d+)\]\s+(?:(?P<flags>[\w.]{3,8})\s+)?|(?P<cpu2>\d+)(?P<flags2>-0x[0-9a-f]+|[a-zA-Z.][\w.]{2,6})\s+)"
    r"(?P<seconds>\d+)\.(?P<fraction>\d{6,9}):\s+(?P<event>[\w.-]+):(?:\s+(?P<text>.*))?$",
    re.ASCII,
)
_LOST = re.compile(r"CPU:(\d+) \[(?:LOST(?: (\d+))? EVENTS|(?:(\d+) )?EVENTS DROPPED)\]", re.ASCII)
_CPUS = re.compile(r"(?:.*#P:|cpus=)(\d+)", re.ASCII)
_OVERWRITTEN = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)", re.ASCII)
PIDS_MAX = 1 << 22  # include/linux/threads.h PID_MAX_LIMIT
CPUS_MAX = 1 << 16
SECONDS_MAX = 1 << 33  # 64 bits of nanoseconds end soon after
LINE_LENGTH_MAX = 8192  # a hostile line must not make the patterns above search for hours

# kernel/trace/trace_output.c trace_print_lat_fmt: what each letter stands for
_IRQS = {"d": vocab.FLAG_IRQS_OFF, "D": vocab.FLAG_IRQS_OFF | vocab.FLAG_BH_OFF, "b": vocab.FLAG_BH_OFF}
_RESCHED, _PREEMPT, _LAZY = vocab.FLAG_NEED_RESCHED, vocab.FLAG_PREEMPT_RESCHED, vocab.FLAG_NEED_RESCHED_LAZY
_NEED = {
    "B": _RESCHED | _PREEMPT | _LAZY, "N": _RESCHED | _PREEMPT, "L": _LAZY | _PREEMPT, "b": _RESCHED | _LAZY,
    "n": _RESCHED, "l": _LAZY, "p": _PREEMPT,
}  # fmt: skip
_CONTEXT = {
    "Z": vocab.FLAG_NMI | vocab.FLAG_HARDIRQ, "z": vocab.FLAG_NMI, "H": vocab.FLAG_HARDIRQ | vocab.FLAG_SOFTIRQ,
    "h": vocab.FLAG_HARDIRQ, "s": vocab.FLAG_SOFTIRQ,
}  # fmt: skip
# The legend above the columns names them; without one (trace_pipe, trace-cmd -l) the kernel's order since 5.17 holds.
_LEGEND = (
    "irqs-off", "need-resched-lazy", "need-resched", "hardirq/softirq", "preempt-lazy-depth", "preempt-depth",
    "migrate-disable",
)  # fmt: skip
_USUAL = ("irqs-off", "need-resched", "hardirq/softirq", "preempt-depth", "migrate-disable")


def read_trace_text(data, path, notes):
    """The EventTable of a trace in text.

    Args: data: bytes. path: for messages. notes: a list to which lines that are no events are added, by number.
    Raises: FormatError with file:line when no line is an event although there are lines.
    """
    reader = _Reader()
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        reader.read(number, line)
    if not reader.rows and reader.odd:
        raise FormatError("no event in the text", f"{path}:{reader.odd[0]}", "tracefs `trace` or `trace-cmd report` are read")
    if reader.odd:
        notes.append(f"{path}:{reader.odd[0]}: {len(reader.odd)} lines are no events and were skipped")
    if reader.overwritten:
        notes.append(f"{path}: {reader.overwritten} events were overwritten before the first that is kept")
    return reader.table(path)


class _Reader:
    """Rows under construction."""

    def __init__(self):
        self.functions = NamedFunctions()
        self.arguments = Arguments(self.functions)
        self.rows, self.odd, self.tasks, self.strings = [], [], {}, {}
        self.legend, self.flags_known = [], {}
        self.lost, self.lost_now, self.cpu_count, self.overwritten = {}, set(), 0, 0

    def read(self, number, line):
        line = line.strip()[:LINE_LENGTH_MAX]
        match = _LINE.match(line)
        if match and self._read_event(match):
            return
        if match:
            self.odd.append(number)
        elif not line or line.startswith("#"):
            self._read_comment(line)
        elif match := _LOST.search(line):
            self._lose(int(match[1][:9]), match[2] or match[3])
        elif match := _CPUS.match(line):
            self.cpu_count = int(match[1][:9])
        elif not line.startswith("=>"):  # a frame of a stack trace
            self.odd.append(number)

    def _read_event(self, match):
        """Add a row. Returns False for numbers that no kernel prints."""
        pid, cpu, seconds = (int(text[:20]) for text in (match["pid"], match["cpu"] or match["cpu2"], match["seconds"]))
        if pid >= PIDS_MAX or cpu >= CPUS_MAX or seconds >= SECONDS_MAX:
            return False
        found = self.arguments.read(match["event"], match["text"] or "")
        kind, a, b, c, name = found or (vocab.OTHER, -1, 0, 0, match["event"])
        flags, preempt = self._flags(match["flags"] or match["flags2"] or "")
        if match["flags2"] and "N" in match["flags2"]:  # trace-cmd knows one letter for need-resched alone
            flags &= ~_PREEMPT
        if cpu in self.lost_now:
            self.lost_now.discard(cpu)
            flags |= vocab.FLAG_LOST_BEFORE
        if match["comm"] != "<...>":
            self.tasks[pid] = match["comm"]
        index = -1 if name is None else self.strings.setdefault(name, len(self.strings))
        time_ns = seconds * 10**9 + int(match["fraction"].ljust(9, "0"))
        self.rows.append((time_ns, cpu, kind, pid, flags, preempt, a, b, c, index))
        return True

    def _read_comment(self, line):
        for word in _LEGEND:
            if word in line and "=>" in line:
                self.legend.append(word)
                break
        if match := _CPUS.match(line):
            self.cpu_count = int(match[1][:9])
        if match := _OVERWRITTEN.match(line):
            self.overwritten = int(match[2][:20]) - int(match[1][:20])

    def _lose(self, cpu, count):
        self.lost_now.add(cpu)
        known, count = self.lost.get(cpu, 0), count and count[:20]
        self.lost[cpu] = None if count is None or known is None else known + int(count)

    def _flags(self, text):
        """(common_flags, common_preempt_count) of the column of letters, as far as letters tell."""
        if text.startswith("-0x"):
            return int(text[1:], 16) & 0xFF, 0
        if text not in self.flags_known:
            legend = self.legend if len(self.legend) == len(text) else _USUAL
            letters = dict(zip(legend, text, strict=False))
            flags = _IRQS.get(letters.get("irqs-off"), 0) | _NEED.get(letters.get("need-resched"), 0)
            flags |= _CONTEXT.get(letters.get("hardirq/softirq"), 0)
            flags |= _LAZY if letters.get("need-resched-lazy", ".") not in ".0" else 0
            preempt = _hex(letters.get("preempt-depth")) | _hex(letters.get("migrate-disable")) << 4
            self.flags_known[text] = flags, preempt
        return self.flags_known[text]

    def table(self, path):
        rows = sorted(self.rows, key=lambda row: row[:2])
        names = ("time_ns", "cpu", "kind", "pid", "flags", "preempt", "a", "b", "c", "name")
        columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
        seen = sorted({row[1] for row in rows})
        cpus = range(self.cpu_count) if seen and seen[-1] < self.cpu_count <= CPUS_MAX else seen
        return make_table(
            columns, strings=list(self.strings), tasks=self.tasks, symbols=self.functions, cpus=tuple(cpus),
            clock="unknown", lost=self.lost, source=path,
        )  # fmt: skip


def _hex(letter):
    try:
        return int(letter or "0", 16)
    except ValueError:
        return 0
