"""`tophalf trace --histogram`: run and wait times of each line and vector, in buckets that double."""

import numpy as np

from tophalf import vocab
from tophalf.cli import render
from tophalf.judge.times.histogram import log2_buckets
from tophalf.judge.times.spans import HARDIRQ, SOFTIRQ, WORK
from tophalf.vocab import human_ns


def histograms(spans, cpus=None, irq=None):
    """A list of texts, one a histogram: handlers by line, softirqs by vector (run and wait), work items together."""
    if cpus is not None:
        spans = spans.only(np.flatnonzero(np.isin(spans.cpu, list(cpus))))
    hardirq = spans.of(HARDIRQ)
    texts = [_drawn(f"IRQ {number} {_actions(part)}: run (inclusive)", part.wall_ns) for number, part in _by_key(hardirq)
             if irq in (None, number)]  # fmt: skip
    if irq is None:
        for vector, part in _by_key(spans.of(SOFTIRQ)):
            name = vocab.SOFTIRQS[vector] if 0 <= vector < len(vocab.SOFTIRQS) else f"softirq {vector}"
            texts.append(_drawn(f"{name}: wait from raise to entry", part.wait_ns[part.wait_ns >= 0]))
            texts.append(_drawn(f"{name}: run (inclusive)", part.wall_ns))
        work = spans.of(WORK)
        texts.append(_drawn("work items: wait from queued to started", work.wait_ns[work.wait_ns >= 0]))
        texts.append(_drawn("work items: own time (exclusive)", work.self_ns))
    return [text for text in texts if text] or ["nothing of that was recorded"]


def _by_key(spans):
    keys = spans.key
    for key in np.unique(keys).tolist():
        yield key, spans.only(np.flatnonzero(keys == key))


def _actions(spans):
    return ", ".join(render.printable(spans.table.text(name)) for name in np.unique(spans.name).tolist())


def _drawn(title, times_ns):
    buckets = log2_buckets(times_ns)
    if not buckets:
        return ""
    labels = [(f"{human_ns(low)} .. {human_ns(below)}", count) for low, below, count in buckets]
    return "\n".join([render.paint(title, "bold"), *render.histogram(labels)])
