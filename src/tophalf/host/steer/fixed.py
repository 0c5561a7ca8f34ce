"""Lines that the kernel is known not to let anyone move: its own read-only mark, or a refusal in this boot.

Nothing is written to find out. A recording of ours holds the marks; anything else that was recorded holds neither.
"""

from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.steer.affinity import marked_fixed, modes_kept
from tophalf.host.steer.targets import identify
from tophalf.host.steer.undo import known_refusals


def read_fixed(root):
    """{irq: proof in words}, or None where that is not known: a copy, or a moment without the files of interrupts."""
    if not modes_kept(root):
        return None
    marks = {int(name): marked_fixed(root, name) for name in root.listing("/proc/irq") if name.isdigit()}
    if not root.live and all(mark is None for mark in marks.values()):
        return None
    proofs = {irq: "the kernel shows its mask read-only" for irq, marked in marks.items() if marked}
    interrupts = _Once(root)
    refused = known_refusals(root, lambda irq: identify(root, interrupts.value(), irq))
    return {**proofs, **{irq: f"the kernel refused a mask for it in this boot ({error})" for irq, error in refused.items()}}


class _Once:
    """/proc/interrupts, read only when a refusal is there to be compared."""

    def __init__(self, root):
        self._root, self._read = root, None

    def value(self):
        if self._read is None:
            self._read = read_interrupts(self._root)
        return self._read
