"""What a driver needs of its bottom half, as it was asked or given. Leaves out: everything the tree does not ask for."""

from tophalf.errors import TophalfError
from tophalf.frozen import Frozen

NETWORK, BLOCK = "network", "block"
KERNEL = (6, 12)
WORK_NS, RATE = 20_000, 1_000  # where nothing is said
# No handler is entered and left in less than 100 ns; what computes for over a second is a program, no bottom half.
WORK_NS_MAX, RATE_MAX = 10**9, 10**7


class Needs(Frozen):
    """sleeps: whether the work may sleep. work_ns: what it takes of a CPU an interrupt. rate: interrupts a second. device:
    NETWORK, BLOCK or None. latency_ns: so long after the interrupt it must begin, None: any time. per_cpu: whether each CPU
    works for itself, several at a time. core: a subsystem of the kernel, not a driver. kernel: (6, 12)."""

    __slots__ = ("sleeps", "work_ns", "rate", "device", "latency_ns", "per_cpu", "core", "kernel")

    @property
    def load(self):
        """The share of one CPU that the work alone takes."""
        return self.work_ns * self.rate / 1e9


def make_needs(**given):
    """Needs with defaults for what is not given (None). Raises: TophalfError for what cannot be."""
    defaults = {"sleeps": False, "work_ns": WORK_NS, "rate": RATE, "per_cpu": False, "core": False, "kernel": KERNEL}
    needs = Needs(**(defaults | {name: value for name, value in given.items() if value is not None}))
    for name, option in (("work_ns", "--work"), ("rate", "--rate"), ("latency_ns", "--latency")):
        value = getattr(needs, name)
        if value is not None and value <= 0:
            raise TophalfError("must be more than 0", option, "leave it out where it does not matter")
    if needs.work_ns > WORK_NS_MAX or needs.rate > RATE_MAX:
        option, limit = ("--work", "1s") if needs.work_ns > WORK_NS_MAX else ("--rate", "10M/s")
        raise TophalfError("is more than an interrupt can be", option, f"give at most {limit}")
    if needs.core and needs.device:
        raise TophalfError("the network and block layers have their softirqs", f"--core --{needs.device}", "give one of them")
    return needs
