"""What [machine] and [[nic]] say of the network stack above NAPI: GRO, RPS, RFS, flow limit; and [[app]] with its sockets."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.assemble import pollers
from tophalf.model.net import stackfields as s
from tophalf.model.net.buildstack import add_reader, add_sink, add_socket, begin_stack, connect

MODES = ("napi", "each", "counted")  # in which packets leave the ring in a softirq


def reason(scenario, nic):
    """The key of a NIC that asks for a stack above it, or what else does; None where packets are delivered by its driver."""
    for key, asks in (("rps_cpus", any(nic.rps_cpus)), ("gro_segments", nic.gro_segments > 1),
                      ("protocol_cost", nic.protocol_cost[1] != 0),
                      ("rps_flow_cnt", nic.rps_flow_cnt and scenario.one("machine").rps_sock_flow_entries)):  # fmt: skip
        if asks:
            return key
    return "mode" if any(app.device == nic.name for app in scenario.all("app")) else None


def begin(builder, scenario, nic):
    """Whether a NIC has a stack; the first that has one brings the machine's. Raises: TophalfError where it cannot have one."""
    key, machine = reason(scenario, nic), scenario.one("machine")
    if key is None:
        return False
    if nic.mode not in MODES:
        what = f"mode {nic.mode} delivers packets in the interrupt: nothing is above it"
        raise TophalfError(what, nic.where(key), f"choose one of {', '.join(MODES)}")
    if machine.preempt == "rt" and machine.kernel != "6.1" and key.startswith("rps"):
        what = "with PREEMPT_RT backlogs have threads, which the model has not"
        raise TophalfError(what, nic.where(key), "leave RPS and RFS out")
    if not builder.memory[f.G_STACK]:
        limited = _in_machine(machine, machine.flow_limit_cpu_bitmap, machine, "flow_limit_cpu_bitmap")
        begin_stack(builder, machine.netdev_max_backlog, machine.dev_weight, machine.rps_sock_flow_entries, limited)
    return True


def add_to_queue(builder, scenario, nic, number, queue, spread):
    """The sink of a queue that has a stack."""
    key = f"{nic.name} {number}"
    rps = nic.rps_cpus[min(number, len(nic.rps_cpus) - 1)]
    add_sink(
        builder, queue, spread.turns[number] or [1], builder.cost(nic.protocol_cost, f"protocols of {key}"),
        builder.cost(nic.rps_cost, f"rps of {key}"), (spread.key | 1) if nic.flow_order == "random" else 0, nic.gro_segments,
        nic.truesize, _rps_map(scenario.one("machine"), nic, rps), nic.rps_flow_cnt,
    )  # fmt: skip


def _rps_map(machine, nic, cpus):
    """net/core/net-sysfs.c rps_cpumask_housekeeping: isolated CPUs are left out, and there must be others."""
    _in_machine(machine, cpus, nic, "rps_cpus")
    kept = tuple(cpu for cpu in cpus if cpu not in machine.isolated)
    if cpus and not kept:
        raise TophalfError("all of its CPUs are isolated", nic.where("rps_cpus"), "name others: the kernel refuses this mask")
    return kept


def _in_machine(machine, cpus, entry, key):
    if any(cpu >= machine.cpus for cpu in cpus):
        raise TophalfError(f"names a CPU that is not there, of {machine.cpus}", entry.where(key), "raise machine.cpus")
    return cpus


def add_app(builder, scenario, entry):
    """One thread with a socket on each of its CPUs. Raises: TophalfError without its device, or where time would not pass."""
    m = builder.memory
    queues = [queue for queue in builder.stacked if m.strings[m[queue + f.Q_NAME]] == entry.device]
    if not queues:
        raise TophalfError(f"there is no network device {entry.device}", entry.where("device"), "name one of [[nic]]")
    known = m[m[queues[0] + f.Q_SINK] + s.X_SOCKETS]
    sockets = [m[known + at] for at in range(m[m[queues[0] + f.Q_SINK] + s.X_SOCKET_COUNT])]
    for cpu in entry.cpus if entry.cpus is not None else range(scenario.one("machine").cpus):
        who = f"{entry.name} on {cpu} {len(builder.sockets)}"
        socket = add_socket(builder, entry.rcvbuf, builder.cost(entry.recv_cost, f"{who} reads"))
        policy, priority = (f.FIFO, entry.fifo) if entry.fifo else (f.FAIR, entry.nice)
        pollers.add_to_socket(builder, scenario, entry, socket, who)
        run = builder.cost(entry.run, f"{who} runs")
        add_reader(builder, entry.name, cpu, socket, run, entry.batch, policy=policy, priority=priority)
        sockets.append(socket)
    for queue in queues:
        connect(builder, queue, sockets)
