"""The slow, obvious twin of trace ingestion: rows of the event table from what `trace-cmd report` prints, by plain Python."""

import re
import shutil
import subprocess

import pytest

from tophalf import vocab
from tophalf.events import COLUMNS

LINE = re.compile(r"\s*(.+)-(\d+)\s+(\d+)-0x([0-9a-f]+)\s+(\d+)\.(\d{9}): (\w+): +(.*)$")
LETTERS = re.compile(r"\s*.+-\d+\s+\d+([a-zA-Z.][\w.]{4})\s")
KINDS = {name: kind for kind, name in enumerate(vocab.EVENT_NAMES)}


def need_trace_cmd():
    """Skip where the reference is not installed (.ci/run installs it)."""
    if not shutil.which("trace-cmd"):
        pytest.skip("no trace-cmd here to compare with; apt-get install trace-cmd")


def report(path, *options):
    """The lines of events that trace-cmd report prints."""
    run = subprocess.run(["trace-cmd", "report", "-t", *options, path], capture_output=True, text=True, check=True)
    return [line for line in run.stdout.splitlines() if not line.startswith(("cpus=", "version =", "CPU:"))]


def twin_rows(path):
    """[(time_ns, cpu, event, pid, flags, preempt depth, {field: text})] in trace-cmd's order."""
    rows = []
    for raw, letters in zip(report(path, "-l", "-R"), report(path, "-l"), strict=True):
        _, pid, cpu, flags, seconds, fraction, event, text = LINE.match(raw).groups()
        depth = LETTERS.match(letters)[1][3]
        fields = dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", text))
        time_ns = int(seconds) * 10**9 + int(fraction)
        rows.append((time_ns, int(cpu), event, int(pid), int(flags, 16), 0 if depth == "." else int(depth, 16), fields))
    return rows


def table_rows(table):
    """The same rows from our table, with those fields that the columns hold."""
    columns, rows = [getattr(table, name).tolist() for name, _ in COLUMNS], []
    for time_ns, cpu, kind, pid, flags, preempt, a, b, c, name in zip(*columns, strict=True):
        text = table.text(name)
        event = {vocab.OTHER: text, vocab.VECTOR_ENTRY: f"{text}_entry", vocab.VECTOR_EXIT: f"{text}_exit"}.get(kind)
        values = dict(zip(vocab.EVENT_ARGUMENTS[kind], (a, b, c, text), strict=True))
        values = {field: _as_printed(table, kind, field, value) for field, value in values.items() if field and kind}
        rows.append((time_ns, cpu, event or vocab.EVENT_NAMES[kind], pid, flags & 0xFF, preempt & 15, values))
    return rows


# Our word for a field, where it is not the kernel's
FIELDS = {"action": "name", "handler": None}


def _as_printed(table, kind, field, value):
    if field in ("work", "napi", "tasklet") and kind not in (vocab.NAPI_POLL,) or field == "napi":
        return f"{value & (1 << 64) - 1:#x}"
    if field in ("function", "func"):
        return table.function(value)
    return str(value)


def compare(table, path):
    """Assert that every row says the same as trace-cmd does."""
    theirs = sorted(twin_rows(path), key=lambda row: row[:2])
    ours = table_rows(table)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one[:6] == other[:6]
        for field, text in one[6].items():
            field = FIELDS.get(field, field)
            # trace-cmd names an address after the nearest symbol below it, however far; we name no function we do not know
            if field and not (field in ("function", "func", "tasklet") and text.startswith("0x")):
                assert _number(text) == _number(other[6][field]), (field, one, other)


def _number(text):
    """Numbers as such: trace-cmd prints target_cpu=003."""
    return int(text) if re.fullmatch(r"-?\d+", text) else text.strip()
