"""The answer of `tophalf defer` for people: the mechanism, the way to it, the comparison, the skeletons."""

import textwrap

from tophalf.advise.mechanisms import ABOUT, allowed
from tophalf.advise.skeleton import c_skeleton, python_skeleton
from tophalf.advise.tree import cautions
from tophalf.cli import render

WIDTH = 116


def defer_text(needs, mechanism, path, measured=()):
    """The whole answer, a text. measured: lines of the comparison."""
    about = ABOUT[mechanism]
    lines = [render.paint(f"{mechanism} ({about.calls})", "bold"), f"{about.what} ({about.source})", "", *_way(path)]
    lines += [render.paint(line, "yellow") for caution in cautions(needs, mechanism) for line in wrapped(f"caution: {caution}")]
    lines += ["", *_not_allowed(needs), *measured]
    lines += _skeleton("in the kernel's C", c_skeleton(needs, mechanism).expandtabs(8))
    lines += _skeleton("in Python, for tophalf lint", python_skeleton(needs, mechanism))
    return "\n".join(lines).rstrip()


def _way(path):
    rows = [["yes" if step.answer else "no", step.asks, step.fact] for step in path]
    corrections = [step.correction for step in path if step.correction]
    lines = [render.table(["", "asked", "because"], rows), ""]
    return lines + [line for correction in corrections for line in wrapped(f"corrected: {correction}")]


def wrapped(text):
    """Lines of a sentence, the second and on under the first's words."""
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")


def _not_allowed(needs):
    lines = [f"not {mechanism}: {reason}" for mechanism, reason in allowed(needs).items() if reason]
    return [render.paint(line, "dim") for line in lines] + [""] if lines else []


def _skeleton(title, text):
    return [render.paint(f"--- {title} ---", "bold"), *text.rstrip().splitlines(), ""]
