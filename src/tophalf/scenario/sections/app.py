"""[[app]]: a program that reads a device's packets from a UDP socket."""

from tophalf.scenario.schema import Key, Section

SECTION = Section(
    "app",
    "a program that reads packets from a UDP socket, a thread and a socket for each of its CPUs",
    {
        "name": Key("name", "server", "its comm"),
        "device": Key("name", "eth0", "the network device whose packets are for it"),
        "cpus": Key("cpus", None, "a thread with a socket of its own on each of these CPUs; on every CPU when left out"),
        "nice": Key("int", 0, "of the fair class", -20, 19),
        "fifo": Key("int", 0, "1 to 99: SCHED_FIFO with that priority; 0: the fair class", 0, 99),
        "rcvbuf": Key("int", 212_992, "the socket's receive buffer, bytes (net.core.rmem_default)", 2304, 1 << 30),
        "batch": Key("int", 1, "packets a system call at the most (recvmmsg)", 1, 1024),
        "recv_cost": Key("cost", ("constant", 200), "taking a packet out of the socket, beside costs.syscall"),
        "busy_read": Key("int", 0, "SO_BUSY_POLL: µs for which a read polls the device before it sleeps; 0: it does not",
                         0, 10_000_000),
        "prefer_busy_poll": Key("bool", False, "SO_PREFER_BUSY_POLL: with napi_defer_hard_irqs it stays masked between reads"),
        "busy_poll_budget": Key("int", 8, "SO_BUSY_POLL_BUDGET: packets a poll", 1, 65_535),
        "loop_cost": Key("cost", ("constant", 50), "a round of the busy loop, beside the device's poll_cost"),
        "run": Key("cost", ("constant", 1_000), "what the program does with a packet"),
    },
    many=True,
)
