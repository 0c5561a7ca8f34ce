"""Worlds for tests of the model: devices as the closed forms have them, and small machines with a bit of everything."""

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.builddevices import add_device, add_tasklet, add_threaded_action, spend_program
from tophalf.model.net.builddriver import add_napi_thread

TICKLESS = 2  # Builder(nohz=...): no tick at all, as in queueing theory


def served(seed, rate, service, mode=f.MODE_DRAIN, ring=1 << 16, setup=None, frames=0, usecs_ns=0, every_ns=0):
    """One queue whose handler serves all packets with its line masked. Returns (Builder, queue). service, setup: costs."""
    builder = Builder(seed, nohz=TICKLESS)
    desc = builder.irq(24)
    queue = builder.queue("eth0", desc, mode, ring, builder.cost(service, "service"), ("poisson", rate))
    m = builder.memory
    m[queue + f.Q_FRAMES], m[queue + f.Q_USECS_NS], m[queue + f.Q_POLL_EVERY] = frames, usecs_ns, every_ns
    code = Assembler()
    code.label("handler")
    if setup:
        code(ops.OP_SPEND, builder.cost(setup, "setup"))
    code(ops.OP_RX_DRAIN, queue)
    code(ops.OP_QUEUE_DONE, queue)
    code(ops.OP_RET, f.IRQ_HANDLED)
    builder.action(desc, "eth0-rx-0", builder.program(code)["handler"])
    return builder, queue


def two_classes(seed, rates, services):
    """A queue served in the handler over one polled in softirqs. Returns (Builder, queue, queue)."""
    builder, first = served(seed, rates[0], services[0])
    second = add_napi(builder, 25, "eth1", rates[1], services[1], arrivals="poisson", ring=1 << 16)
    return builder, first, second


def add_napi(builder, irq, name, rate, service, arrivals="constant", cpu=0, ring=1024, poll=0, weight=64):
    """A queue polled by NAPI. Returns the queue."""
    desc = builder.irq(irq, cpu)
    queue = builder.queue(name, desc, f.MODE_NAPI, ring, builder.cost(service, f"packet of {name} {irq}"), (arrivals, rate))
    napi = builder.napi(name, queue, builder.cost(poll, f"poll of {name} {irq}"), weight)
    code = Assembler()
    code.label("handler")
    code(ops.OP_NAPI_SCHEDULE, napi)
    code(ops.OP_RET, f.IRQ_HANDLED)
    builder.action(desc, f"{name}-{irq}", builder.program(code)["handler"])
    return queue


def livelock(seed, rate, handler_ns, protocol_ns, absorbs):
    """Each packet signals; its handler hands it (or all that came) to a softirq. Returns (Builder, queue)."""
    builder = Builder(seed, nohz=TICKLESS)
    desc = builder.irq(24)
    mode = f.MODE_DRAIN if absorbs else f.MODE_COUNTED
    queue = builder.queue("eth0", desc, mode, 1 << 22, builder.cost(protocol_ns, "protocol"), ("poisson", rate))
    napi = builder.staged_napi("eth0", queue)
    code = Assembler()
    code.label("handler")
    code(ops.OP_SPEND_NS, handler_ns)
    code(ops.OP_RX_STAGE, queue, int(absorbs))
    code(ops.OP_NAPI_SCHEDULE, napi)
    if absorbs:
        code(ops.OP_QUEUE_DONE, queue)
    code(ops.OP_RET, f.IRQ_HANDLED)
    builder.action(desc, "eth0", builder.program(code)["handler"])
    return builder, queue


def mixed(seed=1, **machine):
    """Two CPUs: level devices that share a line, a ONESHOT thread, an edge device with a tasklet, NAPI, tasks."""
    costs = {"irq_entry": 200, "irq_exit": 100, "context_switch": 900, "ipi": 500, "timer_tick": 800}
    builder = Builder(seed, cpus=2, costs=costs, **machine)
    shared = builder.irq(30, 0, f.FLOW_LEVEL)
    for number, rate in enumerate((3000, 5000)):
        device = add_device(builder, f"level{number}", shared, True, ("poisson", rate))
        builder.action(shared, f"level{number}", _level_handler(builder, device))
    _sensor(builder)
    edge = builder.irq(32)
    add_device(builder, "edge", edge, False, ("bursts", 5, 400_000, 100_000))
    tasklet = add_tasklet(builder, "edge_tasklet", spend_program(builder, builder.cost(3000, "tasklet")))
    schedule = (ops.OP_TASKLET_SCHEDULE, tasklet, vocab.TASKLET)
    builder.action(edge, "edge", spend_program(builder, builder.cost(1500, "edge"), before=[schedule]))
    add_napi(builder, 33, "eth0", 200_000, 900, "poisson", cpu=1, poll=300)
    add_napi(builder, 34, "eth1", 50_000, 900, "poisson", cpu=1, poll=300)
    add_napi_thread(builder, builder.napis[1], 0)
    for cpu in (0, 1):
        program = _application(builder)
        builder.task("app", cpu, program)
        builder.task("nice", cpu, program, priority=5)
    return builder


def _level_handler(builder, device):
    code = Assembler()
    code.label("handler")
    code(ops.OP_DEVICE_READ, device)
    code(ops.OP_JUMP_ZERO, f.F_R1, "none")
    code(ops.OP_SPEND_NS, 2000)
    code(ops.OP_DEVICE_ACK, device)
    code(ops.OP_RET, f.IRQ_HANDLED)
    code.label("none")
    code(ops.OP_RET, f.IRQ_NONE)
    return builder.program(code)["handler"]


def _sensor(builder):
    desc = builder.irq(31, 1, f.FLOW_FASTEOI)
    device = add_device(builder, "sensor", desc, True, ("constant", 2000))
    code = Assembler()
    code.label("thread")
    code(ops.OP_SPEND_NS, 50_000)
    code(ops.OP_DEVICE_ACK, device)
    code(ops.OP_SLEEP, 20_000)
    code(ops.OP_RET, f.IRQ_HANDLED)
    add_threaded_action(builder, desc, "sensor", builder.program(code)["thread"], oneshot=True)


def _application(builder):
    code = Assembler()
    code.label("app")
    code(ops.OP_SPEND_NS, 700_000)
    code(ops.OP_SLEEP, 100_000)
    code(ops.OP_JUMP, "app")
    return builder.program(code)["app"]


def mean_ns(world, queue):
    """Mean time in the system of the packets delivered."""
    return world.memory[queue + f.Q_LATENCY_SUM] / world.memory[queue + f.Q_DELIVERED]
