"""Myth: softirqs run on the CPU that raised them. Each run of NET_RX is held against the raises of its own CPU.

Left out: BH work that is queued on another CPU, which an irq_work raises there.
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.myth import Figure, Kernel, Myth, Situation

ON = 0  # the CPU that the NIC interrupts
FLOOD = """
[machine]
cpus = 4
[[nic]]
cpus = 0
rate = {rate}
arrivals = "poisson"
packet_cost = "1us"
"""
STEERED = """
[machine]
cpus = 4
[[nic]]
cpus = 0
rate = 300_000
arrivals = "poisson"
rx_usecs = 50
flows = 64
packet_cost = "400ns"
rps_cost = "100ns"
protocol_cost = "1500ns"
rps_cpus = "{mask}"
"""


def runs_of(found):
    """(runs of NET_RX, those of them before which their own CPU had not raised it)."""
    from tophalf import vocab

    events, raised, runs, foreign = found["events"], set(), 0, 0
    for kind, cpu, vec in zip(events.kind.tolist(), events.cpu.tolist(), events.a.tolist(), strict=True):
        if vec == vocab.NET_RX and kind == vocab.SOFTIRQ_RAISE:
            raised.add(cpu)
        elif vec == vocab.NET_RX and kind == vocab.SOFTIRQ_ENTRY:
            runs, foreign = runs + 1, foreign + (cpu not in raised)
            raised.discard(cpu)
    return runs, foreign


def elsewhere(found):
    """The share of runs of NET_RX on CPUs that the NIC does not interrupt."""
    from tophalf import vocab

    events = found["events"]
    cpus = events.cpu[(events.kind == vocab.SOFTIRQ_ENTRY) & (events.a == vocab.NET_RX)]
    return float((cpus != ON).mean()) if len(cpus) else 0.0


def ksoftirqd_here(found):
    """CPU time of ksoftirqd of the CPU that is interrupted, as a share of it."""
    return found["cpus"][ON]["ksoftirqd_ns"] / found["simulated_ns"]


def ksoftirqd_away(found):
    """CPU time of ksoftirqd on the other CPUs, as a share of one."""
    return sum(cpu["ksoftirqd_ns"] for cpu in found["cpus"] if cpu["cpu"] != ON) / found["simulated_ns"]


SHOWN = [Figure(title="runs of NET_RX", unit="count", of=lambda found: runs_of(found)[0]),
         Figure(title="that another CPU raised", unit="count", of=lambda found: runs_of(found)[1]),
         Figure(title="that the NIC's CPU did not run", unit="share", of=elsewhere),
         Figure(title=f"ksoftirqd on CPU {ON}", unit="share", of=ksoftirqd_here),
         Figure(title="ksoftirqd on the others", unit="share", of=ksoftirqd_away)]  # fmt: skip


def _situation(name, arms):
    return Situation(
        name=name, arms=[ModelArm(label=label, scenario=text, seconds=0.02, trace=True) for label, text in arms], shown=SHOWN,
        means="runs of NET_RX, in both, that their own CPU had not raised",
        effect=lambda one, other: runs_of(one)[1] + runs_of(other)[1], unit="count", limit=1, below=True,
        why="one would be against it",
    )  # fmt: skip


MYTH = Myth(
    name="softirq-cpu",
    claim="Softirqs run on the CPU that raised them",
    tried="every run of NET_RX against the raises of its CPU: in a flood that ksoftirqd takes over, and with RPS",
    truth=["A raise sets a bit of the own CPU, and only that CPU serves it.",
           "Under load ksoftirqd serves it: a task bound to that CPU. It never migrates, whatever texts say.",
           "RPS does not move softirqs: it interrupts the CPU that it chose, which raises NET_RX itself."],
    situations=[_situation("a flood, and ksoftirqd takes over", [("20,000 a second", FLOOD.format(rate=20_000)),
                                                                ("2,000,000 a second", FLOOD.format(rate=2_000_000))]),
                _situation("RPS gives packets to other CPUs", [("without RPS", STEERED.format(mask="0")),
                                                               ("rps_cpus = e", STEERED.format(mask="e"))])],
    kernel=[Kernel(file="kernel/softirq.c", function="__raise_softirq_irqoff", says="or_softirq_pending: a bit of this CPU"),
            Kernel(file="kernel/smpboot.c", function="__smpboot_create_thread", says="kthread_create_on_cpu: bound for good"),
            Kernel(file="net/core/dev.c", function="rps_trigger_softirq", says="runs on the chosen CPU, and raises there")],
)  # fmt: skip
