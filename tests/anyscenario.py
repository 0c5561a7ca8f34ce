"""Random machines for Hypothesis: a scenario's TOML, and tasks with kernel code of their own on top of it.

`machines()` draws a Drawn, whose `builder(seed)` makes the same world each time. No error is expected of it.
"""

from hypothesis import strategies as st

import anydisks
import anydrivers
import anysections
from tophalf import vocab
from tophalf.model import ops
from tophalf.model.assemble.world import assemble
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.builddevices import add_tasklet, spend_program
from tophalf.scenario.load import read_scenario

CPUS_MAX = 4
VECTORS = (vocab.HI, vocab.TIMER, vocab.NET_TX, vocab.TASKLET, vocab.SCHED, vocab.RCU)
SECTIONS = {"irqs_off": (ops.OP_IRQS_OFF, ops.OP_IRQS_ON), "bh_off": (ops.OP_BH_OFF, ops.OP_BH_ON),
            "preempt_off": (ops.OP_PREEMPT_OFF, ops.OP_PREEMPT_ON)}  # fmt: skip


class Drawn:
    """toml: the scenario's text; tasks: ((CPU, steps), ...) of kernel code."""

    def __init__(self, toml, tasks):
        self.toml, self.tasks = toml, tasks

    def __repr__(self):
        return f"Drawn({self.toml!r}, {self.tasks!r})"

    @property
    def scenario(self):
        return read_scenario(self.toml, "drawn.toml")

    def builder(self, seed):
        builder = assemble(self.scenario, seed)
        runs = [spend_program(builder, builder.cost(at * 3000, f"t{at}")) for at in range(3)]
        tasklets = [add_tasklet(builder, f"tasklet{at}", run) for at, run in enumerate(runs)]
        for number, (cpu, steps) in enumerate(self.tasks):
            builder.task(f"code{number}", cpu, builder.program(_assembled(steps, tasklets))["start"], priority=number * 3)
        return builder


def _assembled(steps, tasklets):
    code = Assembler()
    code.label("start")
    _write(code, steps, tasklets)
    code(ops.OP_SLEEP, 200_000)
    code(ops.OP_JUMP, "start")
    return code


def _write(code, steps, tasklets):
    for what, *given in steps:
        if what == "spend":
            code(ops.OP_SPEND_NS, *given)
        elif what == "sleep":
            code(ops.OP_SLEEP, *given)
        elif what == "raise":
            code(ops.OP_RAISE, *given)
        elif what == "tasklet":
            code(ops.OP_TASKLET_SCHEDULE, tasklets[given[0]], given[1])
        else:
            code(SECTIONS[what][0])
            _write(code, given[0], tasklets)
            code(SECTIONS[what][1])


# Kernel code


def _steps(rt):
    """Steps of a task: what sleeps stands outside of all sections, and sections nest as the kernel lets them."""
    spend = st.tuples(st.just("spend"), st.integers(0, 300_000))
    raised = st.tuples(st.just("raise"), st.sampled_from(VECTORS))
    # A tasklet is always of one vector: scheduled as HI and as plain it would stand in two lists
    tasklet = st.integers(0, 2).map(lambda number: ("tasklet", number, vocab.HI if number == 0 else vocab.TASKLET))
    plain = spend | raised | tasklet
    few = st.lists(plain, max_size=3)
    irqs_off = st.tuples(st.just("irqs_off"), few)
    bh_off = st.tuples(st.just("bh_off"), st.lists(plain | irqs_off, max_size=3))
    # With preemption off a task must not wait for PREEMPT_RT's lock of the bottom halves
    preempt_off = st.tuples(st.just("preempt_off"), st.lists(plain | irqs_off | (irqs_off if rt else bh_off), max_size=3))
    sleep = st.tuples(st.just("sleep"), st.integers(1000, 2_000_000))
    return st.lists(plain | irqs_off | bh_off | preempt_off | sleep, min_size=1, max_size=6)


# The scenario


def _cost(most):
    return st.integers(0, most) | st.integers(1, most).map(lambda ns: f"exponential {ns}ns")


def _table(name, keys, many=True):
    lines = [f"[[{name}]]" if many else f"[{name}]"]
    lines += [f"{key} = {_value(value)}" for key, value in keys.items() if value is not None]
    return "\n".join(lines)


def _value(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_value(part)}' for key, part in value.items())} }}"
    return f'"{value}"' if isinstance(value, str) else str(value)


@st.composite
def machines(draw):
    """A Drawn."""
    cpus, kernel = draw(st.integers(1, CPUS_MAX)), draw(st.sampled_from(("6.1", "6.12")))
    preempt = draw(st.sampled_from(("none", "voluntary", "full", "rt")))
    machine = {
        "cpus": cpus, "kernel": kernel, "hz": draw(st.sampled_from((100, 250, 1000))),
        "preempt": preempt, "tick": draw(st.sampled_from(("idle", "always", "never"))), "threadirqs": draw(st.booleans()),
        "netdev_budget": draw(st.sampled_from((1, 64, 300, 1000))), "interrupt_remapping": draw(st.booleans()),
        "irqaffinity": draw(_cpus(cpus)), **draw(_isolcpus(cpus)),
        "power_efficient": draw(st.booleans()), "worker_creation": draw(st.sampled_from((0, 0, 200_000, 15_000_000))),
        **draw(anysections.stack_of_machine(cpus)), **draw(anysections.places(cpus)),
    }  # fmt: skip
    tables = [_table("machine", machine, many=False), _table("costs", draw(_costs()), many=False)]
    steers = kernel == "6.1" or preempt != "rt"
    nics, devices = [draw(_nic(number, cpus, steers)) for number in range(draw(st.integers(0, 2)))], draw(_devices(cpus))
    kept = next(cpu for cpu in range(cpus) if cpu not in machine["isolated"])  # RPS must have one
    for nic in nics:
        if nic.get("rps_cpus"):
            nic["rps_cpus"] = f"{int(nic['rps_cpus'], 16) | 1 << kept:x}"
    tables += [_table("nic", nic) for nic in nics] + [_table("device", device) for device in devices]
    tables += [_table("driver", driver) for driver in draw(anydrivers.drivers(cpus, kernel))]
    lines = [device["irq"] for device in devices] + [nic["irq"] for nic in nics]
    tables += [_table("at", order) for order in draw(st.lists(_order(lines, cpus), max_size=4) if lines else st.just([]))]
    tables += [_table("at", order) for order in draw(st.lists(_cpu_order(cpus), max_size=4) if cpus > 1 else st.just([]))]
    steady = [nic["name"] for nic in nics if nic["arrivals"] in ("constant", "poisson")]
    tables += [_table("at", order) for order in (draw(st.lists(_rate_order(steady), max_size=3)) if steady else ())]
    tables += draw(_works(cpus, kernel))
    if draw(st.integers(0, 9)) == 0:
        tables.append(_table("at", draw(anysections.suspend())))
    tables += [_table("app", app) for app in draw(_apps(nics, cpus))]
    background = draw(anydisks.softirqs())
    tables += [_table(name, keys, name not in ("softirqs", "nmi")) for name, keys in draw(anydisks.sections(cpus, background))]
    tables += [_table("task", draw(_task(number, cpus, background))) for number in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        daemon = {"start": draw(st.integers(0, 5_000_000)), "banned_cpus": draw(st.none() | st.just([0] if cpus > 1 else []))}
        tables.append(_table("irqbalance", daemon | {"cost": draw(st.integers(0, 1_000_000))}))
    tasks = draw(st.lists(st.tuples(st.integers(0, cpus - 1), _steps(preempt == "rt")), max_size=3))
    return Drawn("\n".join(tables) + "\n", tasks)


@st.composite
def _isolcpus(draw, cpus):
    """isolcpus= takes one set of CPUs, and what they are kept free of."""
    kept_free = draw(st.sets(st.integers(0, cpus - 1), max_size=cpus - 1).map(sorted))
    flags = draw(st.sampled_from(("managed_irq", "isolated", "both")))
    return {key: kept_free if flags in (key, "both") else [] for key in ("managed_irq", "isolated")}


def _costs():
    # an interrupt takes time: a level line that nobody quiets would come without end at one moment; so do softirqs: a CPU
    # that waits for a tasklet of another would go round and round
    rest = ("syscall", "page_fault", "context_switch", "ipi", "timer_tick", "cache_cold", "handler", "poll", "packet")
    musts = {"irq_entry": st.integers(50, 1000), "irq_exit": st.integers(0, 500), "softirq_entry": st.integers(1, 1000)}
    return st.fixed_dictionaries(musts, optional=dict.fromkeys(rest, _cost(3000)))


def _cpus(cpus):
    return st.none() | _some_cpus(cpus)


def _some_cpus(cpus):
    return st.sets(st.integers(0, cpus - 1), min_size=1).map(sorted)


def _arrivals(most):
    return st.fixed_dictionaries({
        "rate": st.integers(1, most), "arrivals": st.sampled_from(("constant", "poisson", "bursts")), "burst": st.integers(1, 100),
        "gap": st.integers(10_000, 3_000_000),
    })  # fmt: skip


@st.composite
def _apps(draw, nics, cpus):
    """Readers of devices that have a stack, one at the most for each."""
    stacked = [nic for nic in nics if "protocol_cost" in nic and draw(st.booleans())]
    return [draw(anysections.app(at, nic["name"], nic["mode"] == "napi", cpus)) for at, nic in enumerate(stacked)]


@st.composite
def _nic(draw, number, cpus, steers):
    given = draw(_arrivals(1_500_000))
    times = draw(st.none() | st.lists(st.integers(0, 10_000_000), min_size=1, max_size=20))
    if times:
        given |= {"arrivals": "times", "times": times}
    settings = st.fixed_dictionaries({
        "mode": st.sampled_from(("napi", "napi", "napi", "handler", "each", "counted", "poll")), "queues": st.integers(1, 3),
        "cpus": _cpus(cpus), "ring": st.integers(1, 1024), "weight": st.integers(1, 64), "handler_cost": _cost(5000),
        "poll_cost": _cost(2000), "packet_cost": _cost(5000), "poll_every": st.integers(5000, 100_000),
    }, optional={
        "rx_usecs": st.integers(0, 300), "rx_frames": st.integers(0, 64), "interval": st.integers(0, 200_000),
        "napi_defer_hard_irqs": st.integers(0, 3), "gro_flush_timeout": st.integers(0, 100_000),
    })  # fmt: skip
    if draw(st.booleans()):
        placed = {"managed": True, "event_lines": draw(st.integers(0, 2)), "cpus": None}
    else:
        placed = {"affinity": draw(st.none() | st.lists(_some_cpus(cpus), min_size=1, max_size=2))}
    nic = {"name": f"eth{number}", "irq": 24 + 8 * number, **given, **draw(settings), **placed}
    if nic["mode"] in anysections.STACK_MODES and draw(st.booleans()):
        nic |= draw(anysections.stack_of_nic(cpus, steers))
        nic["rate"] = min(nic["rate"], 300_000)  # packet by packet: slower to run
    if nic["mode"] == "napi" and draw(st.booleans()):
        nic |= {"threaded": True, "thread_cpus": draw(_cpus(cpus)), "thread_fifo": draw(st.sampled_from((0, 0, 1, 50)))}
    if nic["mode"] in ("napi", "handler") and draw(st.booleans()):
        nic |= {"tx_rate": draw(st.integers(1, 1_000_000)), "tx_arrivals": draw(st.sampled_from(("constant", "poisson"))),
                "tx_usecs": draw(st.integers(0, 200)), "tx_frames": draw(st.integers(0, 64)), "tx_cost": draw(_cost(500)),
                "tx_wire": draw(st.integers(1, 20_000)), "tx_work_limit": draw(st.integers(1, 256))}  # fmt: skip
        nic |= {"forward": draw(st.integers(0, 100))} if nic["mode"] == "napi" else {"tx_free_cost": draw(_cost(500))}
    if nic["mode"] == "napi" and not nic.keys() & {"rx_usecs", "rx_frames", "interval"}:
        nic |= {"adaptive": draw(st.sampled_from(("off", "dim", "dim_cqe", "e1000e", "e1000e_dynamic"))),
                "packet_bytes": draw(st.sampled_from((64, 1500, 9000))), "dim_cost": draw(_cost(20_000))}  # fmt: skip
    return nic


@st.composite
def _works(draw, cpus, kernel):
    """Tables of workqueues and items; those of the first workqueue never sleep, as it may be one of BH."""
    flags = draw(st.sampled_from(([], ["bh"], ["bh", "highpri"], ["highpri"])) if kernel == "6.12" else st.just([]))
    queues = [{"name": "q0", "flags": flags}]
    others = ("unbound", "freezable", "mem_reclaim", "highpri", "cpu_intensive", "sysfs", "ordered", "power_efficient", "percpu")
    for number in range(1, draw(st.integers(1, 3))):
        given = draw(st.lists(st.sampled_from(others), max_size=3, unique=True))
        given = given if not {"unbound", "ordered"} & set(given) else [flag for flag in given if flag != "percpu"]
        queues.append({"name": f"q{number}", "flags": given, "max_active": draw(st.sampled_from((0, 1, 2, 4))),
                       "affinity_scope": draw(st.sampled_from(("default", "cpu", "smt", "cache", "numa", "system")))})  # fmt: skip
    works = []
    for number in range(draw(st.integers(0, 3))):
        queue = draw(st.integers(0, len(queues) - 1))
        steps = [f"run {draw(st.integers(20_000, 300_000))}ns"]
        if queue:
            steps += draw(st.lists(st.sampled_from(("sleep 200us", "sleep 3ms", "run exponential 50us")), max_size=2))
        # an item that queues a later one cannot come round to itself; nor can waiting
        steps += [f"{draw(st.sampled_from(('queue', 'flush', 'cancel') if queue else ('queue',)))} w{number - 1}"] * (number > 0)
        works.append({
            "name": f"w{number}", "workqueue": f"q{queue}", "steps": steps, "items": draw(st.integers(1, 3)),
            **draw(_arrivals(2_000)), "cpu": draw(st.integers(0, cpus - 1)), "delay": draw(st.sampled_from((0, 0, 1_000_000))),
            "context": draw(st.sampled_from(("hardirq", "softirq", "task"))), "on": draw(st.none() | st.integers(0, cpus - 1)),
        })  # fmt: skip
    return [_table("workqueue", queue) for queue in queues] + [_table("work", work) for work in works]


@st.composite
def _devices(draw, cpus):
    found = []
    for number in range(draw(st.integers(0, 3))):
        defer = draw(st.sampled_from(("nothing", "thread", "tasklet", "hi_tasklet", "work")))
        oneshot = defer == "thread" and draw(st.booleans())
        # those that share a line agree on its flow, its CPU and on ONESHOT: the first line is for those, others are alone
        shared = not oneshot and draw(st.booleans())
        flow = "level" if shared else draw(st.sampled_from(("edge", "level", "fasteoi")))
        found.append({
            "name": f"dev{number}", "irq": 8 if shared else 9 + number, "flow": flow,
            "cpu": 0 if shared else draw(st.integers(0, cpus - 1)), **draw(_arrivals(20_000)), "handler_cost": draw(_cost(20_000)),
            "answer": draw(st.sampled_from(("handled", "handled", "none"))),
            "acknowledge": draw(st.sampled_from((True, True, False))),
            "defer": defer, "deferred_cost": draw(_cost(50_000)), "oneshot": oneshot,
        })  # fmt: skip
        if flow == "edge" and draw(st.booleans()):
            found[-1] |= {"irq": 60 + 8 * number, "cpu": None, "queues": draw(st.integers(1, 3)), "managed": draw(st.booleans()),
                          "event_lines": draw(st.integers(0, 1))}  # fmt: skip
    return found


@st.composite
def _order(draw, lines, cpus):
    verb, irq = draw(st.sampled_from(("set_affinity", "set_affinity", "disable_irq", "enable_irq"))), draw(st.sampled_from(lines))
    mask = draw(st.sets(st.integers(0, cpus - 1)))
    value = {"irq": irq, "mask": f"{sum(1 << cpu for cpu in mask):x}"} if verb == "set_affinity" else irq
    return {"time": draw(st.integers(0, 1_000_000) | st.integers(0, 10_000_000)), verb: value}


def _cpu_order(cpus):
    time, cpu = st.integers(0, 1_000_000) | st.integers(0, 8_000_000), st.integers(1, cpus - 1)
    return st.fixed_dictionaries({"time": time, "offline": cpu}) | st.fixed_dictionaries({"time": time, "online": cpu})


@st.composite
def _rate_order(draw, names):
    rate = {"of": draw(st.sampled_from(names)), "rate": draw(st.integers(0, 1_500_000))}
    return {"time": draw(st.integers(0, 1_000_000) | st.integers(0, 10_000_000)), "rate": rate}


@st.composite
def _task(draw, number, cpus, background):
    return {
        "name": f"app{number}", "cpus": draw(_cpus(cpus)), "nice": draw(st.integers(-20, 19)),
        "fifo": draw(st.sampled_from((0, 0, 0, 1, 49, 50, 99))), "run": draw(st.integers(1000, 3_000_000)),
        "syscall": draw(st.none() | st.integers(0, 500_000)), "fault": draw(st.none() | st.integers(0, 100_000)),
        "call_rcu": draw(st.integers(0, 30)) if background else 0,
        "sleep": draw(st.sampled_from((0, 1000, 100_000, 2_000_000))),
    }  # fmt: skip
