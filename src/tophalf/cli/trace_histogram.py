"""`tophalf trace --histogram`: run and wait times of each line and vector, in buckets that double."""

import numpy as np

from tophalf import vocab
from tophalf.cli import render
from tophalf.judge.times.histogram import log2_buckets
from tophalf.judge.times.spans import HARDIRQ, SOFTIRQ, WORK
from tophalf.vocab import human_ns


def histograms(spans, cpus=None, irq=None):
    """Handlers by line, softirqs by vector (run and wait), work items together; those with nothing in them are left out.

    Returns a list of dictionaries: of ("irq", "softirq", "work"), irq or vec, name, time ("run_ns", "wait_ns", "self_ns"),
    buckets as log2_buckets gives them.
    """
    if cpus is not None:
        spans = spans.only(np.flatnonzero(np.isin(spans.cpu, list(cpus))))
    found = [_timed("irq", "run_ns", part.wall_ns, irq=number, name=_actions(part))
             for number, part in _by_key(spans.of(HARDIRQ)) if irq in (None, number)]  # fmt: skip
    if irq is None:
        for vector, part in _by_key(spans.of(SOFTIRQ)):
            name = vocab.SOFTIRQS[vector] if 0 <= vector < len(vocab.SOFTIRQS) else f"softirq {vector}"
            found.append(_timed("softirq", "wait_ns", part.wait_ns[part.wait_ns >= 0], vec=vector, name=name))
            found.append(_timed("softirq", "run_ns", part.wall_ns, vec=vector, name=name))
        work = spans.of(WORK)
        found.append(_timed("work", "wait_ns", work.wait_ns[work.wait_ns >= 0], name="work items"))
        found.append(_timed("work", "self_ns", work.self_ns, name="work items"))
    return [each for each in found if each["buckets"]]


def _timed(of, time, times_ns, **about):
    return {"of": of, **about, "time": time, "buckets": log2_buckets(times_ns)}


def document(found):
    """Histograms as docs/json.md describes them."""
    keys = ("from_ns", "below_ns", "count")
    return [{**each, "buckets": [dict(zip(keys, bucket, strict=True)) for bucket in each["buckets"]]} for each in found]


_TITLES = {
    ("irq", "run_ns"): "run (inclusive)",
    ("softirq", "wait_ns"): "wait from raise to entry",
    ("softirq", "run_ns"): "run (inclusive)",
    ("work", "wait_ns"): "wait from queued to started",
    ("work", "self_ns"): "own time (exclusive)",
}


def drawn(histogram):
    """One histogram for people: its title, then a bar a bucket."""
    line = f"IRQ {histogram['irq']} " if histogram["of"] == "irq" else ""
    title = f"{line}{render.printable(histogram['name'])}: {_TITLES[histogram['of'], histogram['time']]}"
    labels = [(f"{human_ns(low)} .. {human_ns(below)}", count) for low, below, count in histogram["buckets"]]
    return "\n".join([render.paint(title, "bold"), *render.histogram(labels)])


def _by_key(spans):
    keys = spans.key
    for key in np.unique(keys).tolist():
        yield key, spans.only(np.flatnonzero(keys == key))


def _actions(spans):
    return ", ".join(filter(None, (spans.table.text(name) for name in np.unique(spans.name).tolist())))
