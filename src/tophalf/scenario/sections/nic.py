"""[[nic]]: a network device with receive queues, its coalescing, its driver's costs and what arrives."""

from tophalf.scenario.schema import REQUIRED, Key, Section

RATE_MAX = 1_000_000_000  # packets a second and queue: one a nanosecond

SECTION = Section(
    "nic",
    "a network device: queues, coalescing, costs, arrivals",
    {
        "name": Key("name", "eth0", "its name"),
        "node": Key("int", 0, "its NUMA node", 0, 1023),
        "driver": Key("text", "tophalf_nic", "its driver's name"),
        "queues_max": Key("int", 0, "queues it could have (ethtool -l); as many as it has when left out", 0, 1024),
        "queues": Key("int", 1, "receive queues, each with an interrupt of its own", 1, 1024),
        "irq": Key("int", 24, "number of the first queue's interrupt", 0, 1 << 20),
        "cpus": Key("cpus", None, "CPUs that the queues' interrupts are delivered to, in turn; those of its node when left out"),
        "affinity": Key("list", None, "masks written to the queues' smp_affinity, in turn: [\"0-1\", \"2-3\"]", of="cpus"),
        "affinity_hint": Key("list", None, "what the driver advises for the queues, in turn", of="cpus"),
        "managed": Key("bool", False, "whether the kernel spreads the queues' interrupts over all CPUs, and refuses masks"),
        "event_lines": Key("int", 0, "lines before those of the queues, for events of the device that never come", 0, 64),
        "mode": Key("text", "napi", "napi: masked while it is polled; handler: the handler serves the ring, its line masked; "
                    "each: every packet interrupts, one more can wait; counted: every packet has its own interrupt; "
                    "poll: no interrupt on arrival, the ring is looked at every poll_every",
                    choices=("napi", "handler", "each", "counted", "poll")),
        "rate": Key("rate", REQUIRED, "packets a second, all queues together", 0, RATE_MAX * 1024),
        "arrivals": Key("text", "constant", "how they come", choices=("constant", "poisson", "bursts", "times")),
        "burst": Key("int", 64, "arrivals = bursts: packets in one", 1, 1_000_000),
        "gap": Key("duration", 1_000_000, "arrivals = bursts: from a burst to the next"),
        "times": Key("list", (), "arrivals = times: when each packet comes", of="duration"),
        "ring": Key("int", 1024, "descriptors a queue", 1, 1 << 20),
        "weight": Key("int", 64, "packets a poll", 1, 4096),
        "handler_cost": Key("cost", None, "the interrupt handler; as costs.handler says when left out"),
        "poll_cost": Key("cost", None, "a poll, whatever it finds; as costs.poll says when left out"),
        "packet_cost": Key("cost", None, "driver and protocols, a packet; as costs.packet says when left out"),
        "poll_every": Key("duration", 10_000, "mode = poll", 1),
        "flows": Key("int", 0, "flows of its packets; their hashes choose queues. 0: many, spread evenly", 0, 1 << 16),
        "flow_weights": Key("list", (), "packets that each flow sends in its turn, the last number for the rest; 1 when left out",
                            1, 1 << 16, of="int"),
        "flow_order": Key("text", "turn", "whether flows take turns, or come in no order", choices=("turn", "random")),
        "rss_weights": Key("list", (), "each queue's part of the indirection table (ethtool -X weight); equal when left out",
                           0, 1 << 16, of="int"),
        "protocol_cost": Key("cost", ("constant", 0), "IP and UDP, a packet, where RPS has it; packet_cost is the driver's then"),
        "gro_segments": Key("int", 1, "packets of a flow that GRO makes one of, at the most; 1: none", 1, 64),
        "truesize": Key("int", 768, "what a packet counts for in a socket's buffer, bytes", 256, 1 << 16),
        "rps_cpus": Key("masks", ((),), "RPS: CPUs that do the protocols' work, a mask as in sysfs or one for each queue"),
        "rps_flow_cnt": Key("int", 0, "RFS: flows that each queue knows; 0: none", 0, 1 << 20),
        "rps_cost": Key("cost", ("constant", 100), "RPS: choosing a CPU and putting the packet on its backlog"),
        "rx_usecs": Key("int", 0, "interrupt so many µs after the first packet that waits", 0, 1_000_000),
        "rx_frames": Key("int", 0, "interrupt when so many packets wait", 0, 1 << 20),
        "adaptive": Key("text", "off", "dim, dim_cqe: DIM chooses rx_usecs and rx_frames (lib/dim); e1000e, e1000e_dynamic: "
                        "that driver's rule chooses the interval (InterruptThrottleRate 3 and 1)",
                        choices=("off", "dim", "dim_cqe", "e1000e", "e1000e_dynamic")),
        "dim_cost": Key("cost", ("constant", 5_000), "DIM: the work item that tells the device of another profile"),
        "packet_bytes": Key("int", 64, "size of a packet, for adaptive moderation", 1, 65_535),
        "interval": Key("duration", 0, "at least so long between two interrupts (ITR)"),
        "napi_defer_hard_irqs": Key("int", 0, "polls that may find nothing before the interrupt is unmasked", 0, 1 << 20),
        "gro_flush_timeout": Key("duration", 0, "after so long the deferred poll comes"),
        "threaded": Key("bool", False, "mode = napi: a task, napi/NAME-ID, polls each queue (/sys/class/net/NAME/threaded)"),
        "thread_cpus": Key("cpus", None, "CPUs of those tasks, in turn; that of the queue's interrupt when left out"),
        "thread_fifo": Key("int", 0, "1 to 99: SCHED_FIFO with that priority (chrt -f); 0: the fair class", 0, 99),
    },
    many=True,
)  # fmt: skip
