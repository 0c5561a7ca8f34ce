"""Myth: an affinity mask is enough to place an interrupt. A mask is written: alone, beside irqbalance, and for managed lines.

Left out: drivers that write masks themselves, and CPUs that go offline (the model's cpu-offline has that).
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.figures import INTERRUPTS
from tophalf.myths.myth import Figure, Kernel, Myth, Situation

ASKED = 3  # the CPU that the masks name
NIC = """
[machine]
cpus = 4
[[nic]]
queues = 4
rate = 400
packet_cost = "300us"
"""
STORAGE = """
[machine]
cpus = 4
[[device]]
name = "nvme0"
irq = 24
queues = 4
managed = true
rate = 4000
handler_cost = "3us"
"""
BALANCER = "[irqbalance]\n"


def _masks(text, time="1ms"):
    orders = [f'[[at]]\ntime = "{time}"\nset_affinity = {{ irq = {irq}, cpus = "{ASKED}" }}\n' for irq in range(24, 28)]
    return text + "".join(orders)


def landed(found, cpu=ASKED):
    """The share of interrupts that came to a CPU, the one that was asked for."""
    counts = [line["per_cpu"] for line in found["lines"]]
    total = sum(map(sum, counts))
    return sum(each[cpu] for each in counts) / total if total else 0.0


def _landed_on(cpu):
    return lambda found: landed(found, cpu)


def refused(found):
    """How many writes of a mask the kernel refused."""
    return sum(order["error"] is not None for order in found["orders"])


def _situation(name, text, seconds):
    arms = [ModelArm(label="no mask is written", scenario=text, seconds=seconds),
            ModelArm(label=f"CPU {ASKED} is written", scenario=_masks(text), seconds=seconds)]  # fmt: skip
    return Situation(
        name=name, arms=arms,
        shown=[INTERRUPTS, *(Figure(title=f"lands on CPU {cpu}", unit="share", of=_landed_on(cpu)) for cpu in range(4)),
               Figure(title="writes refused", unit="count", of=refused)],
        without_times=True,
        means=f"share of the interrupts that come to CPU {ASKED} once its mask was written to all lines",
        effect=lambda one, other: landed(other), unit="share", limit=0.99,
        why="what comes before the write, in the first millisecond, is less than a hundredth",
    )  # fmt: skip


MYTH = Myth(
    name="affinity",
    claim="Setting an affinity mask is enough to control where an interrupt is delivered",
    tried="a mask written where nobody else writes, beside irqbalance, and for lines that the kernel manages",
    truth=["A mask that nothing else touches is obeyed, by one CPU of it.",
           "irqbalance places every line that it may, at its next interval, whatever stands there: stop it, or ban the line.",
           "Its first interval ends 10 s after it starts; until then the mask stands, hence what landed where it was asked.",
           "Lines of storage queues are managed: the kernel spreads them, and refuses a mask also from root.",
           "Proof is where counts grow, not what the mask reads (tophalf affinity watches them)."],
    situations=[_situation("nobody else writes masks", NIC, 0.5),
                _situation("irqbalance runs", NIC + BALANCER, 25),
                _situation("the lines are managed", STORAGE, 0.2)],
    kernel=[Kernel(file="kernel/irq/proc.c", function="write_irq_affinity", says="EPERM for what user space may not place"),
            Kernel(file="kernel/irq/manage.c", function="irq_can_set_affinity_usr", says="managed lines are such")],
)  # fmt: skip
