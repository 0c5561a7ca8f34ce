"""Myth: NAPI polling wastes CPU. The same packets with NAPI, and with an interrupt for each, as before NAPI.

An interrupt each: the line is never masked, the handler hands its packet to a softirq, as with netif_rx.

Left out: caches, which batches keep warm.
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.figures import CPU, DELIVERED, MEAN, a_second, interrupt_share
from tophalf.myths.myth import Figure, Kernel, Myth, Situation

POINT = 0.01
NIC = """
[machine]
tick = "always"
[[nic]]
rate = {rate}
arrivals = "{arrivals}"
mode = "{mode}"
handler_cost = "500ns"
poll_cost = "300ns"
packet_cost = "400ns"
"""
SHOWN = [CPU, DELIVERED, MEAN, Figure(title="polls", unit="rate", of=lambda found: a_second(found["polls"], found))]


def _situation(name, rate, seconds, arrivals="poisson"):
    texts = [NIC.format(rate=rate, arrivals=arrivals, mode=mode) for mode in ("each", "napi")]
    labels = ("an interrupt each", "NAPI")
    arms = [ModelArm(label=label, scenario=text, seconds=seconds) for label, text in zip(labels, texts, strict=True)]
    return Situation(
        name=name, arms=arms, shown=SHOWN, means="CPU that NAPI takes beyond an interrupt for each packet",
        effect=lambda one, other: interrupt_share(other) - interrupt_share(one), unit="points", limit=POINT,
        why="less than a hundredth of a CPU is not waste",
    )  # fmt: skip


MYTH = Myth(
    name="napi",
    claim="NAPI polling wastes CPU",
    tried="the CPU that NAPI takes and that an interrupt for each packet takes, from no packets to a flood",
    truth=["NAPI does not spin: after an interrupt it polls until a poll finds fewer packets than it may take, and unmasks.",
           "Without packets there are no polls.",
           "Where each packet comes alone, interrupt and poll cost more than the interrupt would: the price of rates in between.",
           "Where packets come faster than that, one interrupt serves many, and more the more come."],
    situations=[_situation("no packets", 0, 0.05), _situation("1,000 packets a second", 1000, 0.05),
                _situation("100,000 packets a second, evenly", 100_000, 0.05, "constant"),
                _situation("100,000 packets a second, at random", 100_000, 0.05),
                _situation("600,000 packets a second", 600_000, 0.05),
                _situation("2,000,000 packets a second", 2_000_000, 0.02)],
    kernel=[Kernel(file="net/core/dev.c", function="napi_complete_done", says="ends polling; the driver unmasks its line"),
            Kernel(file="net/core/dev.c", function="__napi_poll", says="work below the weight: not polled again")],
)  # fmt: skip
