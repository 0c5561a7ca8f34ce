"""The myths, in the order of their numbers. A new one goes to the end: numbers stay."""

from tophalf.errors import TophalfError
from tophalf.myths import affinity, coalescing, ksoftirqd, polling, rates, softirqcpu, spinlock, tasklets, workqueues

MYTHS = (
    affinity.MYTH, softirqcpu.MYTH, workqueues.MYTH, polling.MYTH, tasklets.MYTH, spinlock.MYTH, rates.MYTH, coalescing.MYTH,
    ksoftirqd.MYTH,
)  # fmt: skip


def find_myth(text):
    """(number from 1, Myth) by number or name. Raises: TophalfError."""
    for number, myth in enumerate(MYTHS, 1):
        if text in (str(number), myth.name):
            return number, myth
    raise TophalfError(f"no myth {text!r}", do=f"give 1 to {len(MYTHS)} or a name; `tophalf myths` lists them")
