"""Myth: coalescing always costs latency. rx-usecs 0 and more, from a light load to one that interrupts alone would fill.

Left out: adaptive moderation, which changes rx-usecs with the load (the scenario `dim`).
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.figures import CPU, DELIVERED, INTERRUPTS, MARGIN, MEAN, P99, mean_latency, ratio
from tophalf.myths.myth import Kernel, Myth, Situation

NIC = """
[machine]
tick = "always"
[[nic]]
rate = {rate}
arrivals = "poisson"
rx_usecs = {usecs}
handler_cost = "2us"
poll_cost = "300ns"
packet_cost = "1us"
"""
SERVER = """
protocol_cost = "500ns"
[[app]]
run = "1us"
"""


def _situation(rate, usecs, more="", beside=""):
    def arm(waits):
        return ModelArm(label=f"rx-usecs {waits}", scenario=NIC.format(rate=rate, usecs=waits) + more, seconds=0.1)

    return Situation(
        name=f"{rate:,} packets a second{beside}", arms=[arm(0), arm(usecs)], shown=[MEAN, P99, DELIVERED, INTERRUPTS, CPU],
        means="mean latency with coalescing to without", effect=lambda one, other: ratio(mean_latency(one), mean_latency(other)),
        unit="ratio", limit=MARGIN, why="less than a twentieth is no difference",
    )  # fmt: skip


MYTH = Myth(
    name="coalescing",
    claim="Coalescing always costs latency",
    tried="mean latency with rx-usecs and without, up to a load at which interrupts take the CPU from the program that reads",
    truth=["A packet that is alone waits for the timer: at light load that is all that coalescing does, to latency.",
           "It gives back the CPU that interrupts took. Where a program on that CPU needs it, queues in front of it get shorter.",
           "Past that point packets wait less with coalescing than without, and are no longer lost in the socket."],
    universal=True,
    situations=[_situation(10_000, 50), _situation(600_000, 20),
                _situation(150_000, 20, SERVER, ", read by a program on that CPU"),
                _situation(230_000, 20, SERVER, ", read by a program on that CPU"),
                _situation(260_000, 20, SERVER, ", read by a program on that CPU")],
    kernel=[Kernel(file="include/uapi/linux/ethtool.h", function="struct ethtool_coalesce",
                   says="rx_coalesce_usecs: how long to delay an RX interrupt after a packet"),
            Kernel(file="net/core/dev.c", function="napi_complete_done", says="ends polling; the device may interrupt again")],
)  # fmt: skip
