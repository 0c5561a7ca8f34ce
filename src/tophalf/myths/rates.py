"""Myth: more interrupts mean more latency. The same packets with few and with many interrupts, at loads from idle to too much.

Left out: what other programs lose by interrupts.
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.figures import CPU, INTERRUPTS, MARGIN, MEAN, P99, mean_latency, ratio
from tophalf.myths.myth import Kernel, Myth, Situation

NIC = """
[machine]
tick = "always"
[[nic]]
rate = {rate}
arrivals = "poisson"
mode = "{mode}"
rx_usecs = {usecs}
handler_cost = "2us"
poll_cost = "300ns"
packet_cost = "400ns"
"""


def _arm(label, rate, mode, usecs):
    return ModelArm(label=label, scenario=NIC.format(rate=rate, mode=mode, usecs=usecs), seconds=0.05)


def _situation(name, few, many):
    return Situation(
        name=name, arms=[few, many], shown=[INTERRUPTS, MEAN, P99, CPU],
        means="mean latency with more interrupts to with fewer",
        effect=lambda one, other: ratio(mean_latency(one), mean_latency(other)), unit="ratio", limit=MARGIN,
        why="less than a twentieth is no difference",
    )  # fmt: skip


def _moderated(rate):
    few, many = (_arm(f"rx-usecs {usecs}", rate, "napi", usecs) for usecs in (50, 0))
    return _situation(f"{rate:,} packets a second, moderated or not", few, many)


MYTH = Myth(
    name="more-interrupts",
    claim="More interrupts mean more latency",
    tried="latency with few and with many interrupts, from a light load to one that interrupts alone nearly fill",
    truth=["While the CPU keeps up, an interrupt at once is the shortest way: fewer interrupts are packets that wait.",
           "Where interrupts fill the CPU, all that is left to softirqs waits behind them, and fewer are better.",
           "NAPI is the reason that one seldom comes there: it masks the line as long as there is something to poll."],
    situations=[_moderated(20_000), _moderated(200_000),
                _situation("310,000 packets a second, NAPI or an interrupt each", _arm("NAPI", 310_000, "napi", 0),
                           _arm("an interrupt each", 310_000, "each", 0))],
    kernel=[Kernel(file="net/core/dev.c", function="napi_schedule_prep", says="a NAPI that is scheduled is not scheduled again"),
            Kernel(file="kernel/irq/chip.c", function="handle_edge_irq", says="runs the handler at once; one more is remembered")],
)  # fmt: skip
