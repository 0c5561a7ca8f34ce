"""A world, object by object: CPUs with their idle tasks and ksoftirqd, lines, tasks, queues.

`builddevices` adds devices, threaded handlers and tasklets.
"""

import math

from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.cpu.ipi import (
    CALL_FUNCTION_SINGLE_VECTOR,
    IPI_TIMERS,
    IRQ_WORK_VECTOR,
    LOCAL_TIMER_VECTOR,
    RESCHEDULE_VECTOR,
)
from tophalf.model.ground.costs import MEAN_NS_MAX
from tophalf.model.ground.kmsg import LOG_SIZE
from tophalf.model.ground.memory import Memory
from tophalf.model.ground.program import Assembler
from tophalf.model.ground.rng import ziggurat_table
from tophalf.model.ground.trace import MARGIN, MARGIN_OF_TASK
from tophalf.model.irq.buildmanage import begin_line, begin_managed, begin_percpu_line, end_managed
from tophalf.model.irq.requestirq import request_irq
from tophalf.model.microcode import kernel_routines, poll_routine, staged_poll_routine
from tophalf.model.net.buildrates import period_of
from tophalf.model.net.buildstack import end_stack
from tophalf.model.sched.fair import weight_of_nice

COST_NAMES = (
    "irq_entry", "irq_exit", "softirq_entry", "syscall", "page_fault", "context_switch", "ipi", "timer_tick", "cache_cold",
)  # fmt: skip
KERNELS = {"6.1": 601, "6.12": 612}
PREEMPT = ("none", "voluntary", "full", "rt")
SYSTEM_VECTORS = (
    (LOCAL_TIMER_VECTOR, "local_timer"), (RESCHEDULE_VECTOR, "reschedule"), (CALL_FUNCTION_SINGLE_VECTOR, "call_function_single"),
    (IRQ_WORK_VECTOR, "irq_work"),
)  # fmt: skip
# Others have "system_vector"
SYSTEM_ROUTINES = {"local_timer": "local_timer", "call_function_single": "call_function", "irq_work": "irq_work"}
SOFTIRQ_ROUTINES = (
    (vocab.HI, "hi_tasklets"), (vocab.TIMER, "timer_softirq"), (vocab.NET_RX, "net_rx"), (vocab.TASKLET, "tasklets"),
    (vocab.HRTIMER, "hrtimer_softirq"),
)  # fmt: skip
SOFTIRQ_NS = 2_000_000  # MAX_SOFTIRQ_TIME, rounded up to jiffies
KSOFTIRQD_PID = 15  # of ksoftirqd/0; where a real one has it, more or less
PIDS_FROM = 1000
LOG_LINES_MAX = 1000
EMPIRICAL_CELLS = 1024


class Builder:
    """memory: what will be the world; cpus: addresses by number; irqs: {number: address}; tasks: {pid: address}."""

    def __init__(self, seed=0, cpus=1, hz=250, kernel="6.12", preempt="voluntary", nohz=True, threadirqs=False, costs=None,
                 interrupt_remapping=True, irqaffinity=None, managed_irq_cpus=None):  # fmt: skip
        """costs: {name: integer ns or (distribution, mean ns, ...)} for COST_NAMES; 0 where nothing is said. irqaffinity: CPUs of
        the default mask; managed_irq_cpus: those that managed lines are kept to (housekeeping); None: all."""
        self.memory = m = Memory(seed)
        self.cpus, self.irqs, self.tasks, self.queues, self.napis, self.devices = [], {}, {}, [], [], []
        self.sending = []  # send queues
        self.rate_changes = {}  # of `buildrates`
        self.actors = []  # (timer, make) of `actors`
        self.driver_costs = {}  # of devices that do not say theirs: {"handler", "poll", "packet": as set_cost takes it}
        self.stacked, self.sockets, self.reader_cpus = [], [], set()  # queues with a stack above, see `buildstack`
        self.disks, self.timers, self.nmis = [], [], {}  # buildblock.Disk, buildtimers.DriverTimer; {CPU: source of NMIs}
        self.functions = {}  # address as the trace shows it: name
        # What no instruction asks but the machine's files tell (`machine`): isolated, managed_irq, nohz_full, irqaffinity: CPUs;
        # nodes: {node: CPUs}; cores: sets of CPUs; line_devices: {line: device}; device_nodes, drivers, speeds_mbps, queues_max:
        # {device: value}; interrupt_remapping, irq_time_accounting: bool
        self.about, self.workqueues, self._purposes = {}, None, {}
        # Of drivers in Python, see `code`: their Devices, registers of devices, and how many timers those have
        self.has_code, self.code_places, self.checks = False, [], 0
        self.calls = []  # of [[call]]: buildcalls.Call
        self.coded, self.registers, self.units = [], [], 0
        self.watch, self.watched, self.watched_runs = 0, {}, {}  # of `buildwatch`: its address; {row: Watched}; {object: row}
        self.modules = {}  # {name of a driver in Python: orders.modules.Module}
        self.lock_names, self.lock_maps, self.lock_classes, self.queue_maps = {}, {}, {}, []  # see `code.checkmaps`
        self.awkward, self.steps = 0, {}  # see `assemble.steps`
        m[f.G_HZ_NS] = 10**9 // hz
        m[f.G_NOHZ] = int(nohz)
        m[f.G_KERNEL], m[f.G_PREEMPT], m[f.G_THREADIRQS] = KERNELS[kernel], PREEMPT.index(preempt), int(threadirqs)
        m[f.G_NETDEV_BUDGET], m[f.G_NETDEV_BUDGET_JIFFIES] = 300, 2
        m[f.G_SOFTIRQ_JIFFIES] = -(-SOFTIRQ_NS // m[f.G_HZ_NS])
        m[f.G_ZIGGURAT] = m.put(ziggurat_table())
        m[f.G_LOG], m[f.G_LOG_MAX] = m.take(LOG_SIZE * LOG_LINES_MAX), LOG_LINES_MAX
        m[f.G_COSTS] = m.cost_room(f.COSTS_FIXED)
        self.costs = {name: m[f.G_COSTS] + i * f.COST_SIZE for i, name in enumerate(COST_NAMES)}
        for name, value in (costs or {}).items():
            self.set_cost(self.costs[name], value, name)
        self.routines = kernel_routines(self.costs).place(m)
        m[f.G_SOFTIRQ_PROGRAM] = self.routines["softirq"]
        m[f.G_ACTIONS] = m.put([self.routines["nothing"]] * f.SOFTIRQ_COUNT)
        for vector, routine in SOFTIRQ_ROUTINES:
            m[m[f.G_ACTIONS] + vector] = self.routines[routine]
        self._make_cpus(cpus)
        begin_managed(self, interrupt_remapping, irqaffinity, managed_irq_cpus)

    def numbered(self, purpose):
        """A purpose for a stream of its own, where others have the same. By their order: addresses move from version to version."""
        number = self._purposes[purpose] = self._purposes.get(purpose, 0) + 1
        return f"{purpose} {number}"

    # Costs

    def cost(self, value, purpose, most_ns=MEAN_NS_MAX - 1):
        """The address of a cost: integer ns, or (distribution, mean ns, ...). most_ns: of a constant one."""
        address = self.memory.cost_room(1)
        self.set_cost(address, value, purpose, most_ns)
        return address

    def set_cost(self, address, value, purpose, most_ns=MEAN_NS_MAX - 1):
        """("exponential", mean), ("lognormal", mean, sigma of the logarithm), ("empirical", [ns, ...]), or a constant."""
        m = self.memory
        if isinstance(value, int):
            value = ("constant", value)
        kind, mean = value[0], value[1]
        m[address + f.COST_RNG] = m.stream(self.numbered(f"cost {purpose}"))
        if kind in ("constant", "exponential"):
            most_ns = most_ns if kind == "constant" else MEAN_NS_MAX - 1
            if not 0 <= mean <= most_ns:
                raise TophalfError(f"{mean} ns is no cost", purpose, f"give 0 to {most_ns} ns")
            m[address + f.COST_KIND] = f.CONSTANT if kind == "constant" else f.EXPONENTIAL
            m[address + f.COST_MEAN] = mean
            return
        table = list(mean) if kind == "empirical" else _lognormal_quantiles(mean, value[2])
        m[address + f.COST_KIND] = f.EMPIRICAL
        m[address + f.COST_COUNT] = len(table)
        m[address + f.COST_TABLE] = m.put(table)

    # CPUs and tasks

    def _make_cpus(self, count):
        m = self.memory
        m[f.G_CPU_COUNT], m[f.G_CPUS] = count, m.take(count * f.CPU_SIZE)
        for number in range(count):
            cpu = m[f.G_CPUS] + number * f.CPU_SIZE
            self.cpus.append(cpu)
            m[cpu + f.C_NUMBER], m[cpu + f.C_ONLINE] = number, 1
            for timer, kind in ((f.C_TIMER, f.ON_CPU), (f.C_TICK, f.ON_TICK), *((each, f.ON_IPI) for each in IPI_TIMERS)):
                self.timer(cpu + timer, kind, cpu)
            m[cpu + f.C_PARKED] = 1
            m[cpu + f.C_IDLE] = m[cpu + f.C_CURRENT] = self._task(0, f"swapper/{number}", cpu, "idle", f.IDLE, f.IDLE_POLICY)
            m[cpu + f.C_FRAME] = m[m[cpu + f.C_CURRENT] + f.K_FRAME]
            self._make_ksoftirqd(cpu, number)
        for vector, name in SYSTEM_VECTORS:
            self._system_vector(vector, name)

    def _make_ksoftirqd(self, cpu, number):
        task = self._task(KSOFTIRQD_PID + 7 * number, f"ksoftirqd/{number}", cpu, "ksoftirqd", f.KSOFTIRQD, f.FAIR)
        self.memory[task + f.K_FLAGS], self.memory[task + f.K_STATE] = f.KERNEL_THREAD | f.PER_CPU_THREAD, f.SLEEPING
        self.memory[cpu + f.C_KSOFTIRQD] = task

    def task(self, name, cpu, program, time_class=f.TASK, policy=f.FAIR, priority=0, kernel_thread=False, asleep=False):
        """A task on CPU number `cpu`. priority: nice for FAIR, 1 to 99 for FIFO. program: an address. Returns its address."""
        task = self._task(PIDS_FROM + len(self.tasks), name, self.cpus[cpu], program, time_class, policy, priority)
        self.memory[task + f.K_FLAGS] = int(kernel_thread)
        if asleep:
            self.memory[task + f.K_STATE] = f.SLEEPING
        return task

    def _task(self, pid, name, cpu, program, time_class, policy, priority=0):
        m = self.memory
        task = m.take(f.TASK_SIZE)
        m[task + f.K_PID], m[task + f.K_NAME], m[task + f.K_CPU] = pid, m.name(name), cpu
        m[task + f.K_POLICY], m[task + f.K_PRIORITY], m[task + f.K_CLASS] = policy, priority, time_class
        m[task + f.K_WEIGHT] = weight_of_nice(priority) if policy == f.FAIR else 1024
        self.hrtimer(task + f.K_TIMER, f.DO_WAKE, task)
        frame = m[task + f.K_FRAME] = task + f.K_STACK
        m[frame + f.F_PC] = self.routines[program] if isinstance(program, str) else program
        m[frame + f.F_CLASS], m[frame + f.F_KIND] = time_class, f.IN_TASK
        self.tasks[pid if pid else -1 - m[cpu + f.C_NUMBER]] = task
        return task

    # Timers

    def timer(self, address, kind, owner):
        self.memory[address + f.T_KIND], self.memory[address + f.T_OWNER] = kind, owner

    def hrtimer(self, address, do, argument, wheel=False):
        self.timer(address, f.ON_HRTIMER, address)
        self.memory[address + f.H_DO], self.memory[address + f.H_ARG] = do + (f.IN_WHEEL if wheel else 0), argument

    # Interrupts

    def _descriptor(self, number, flow, name, program):
        m = self.memory
        desc = m.take(f.D_COUNTS + len(self.cpus))
        m[desc + f.D_IRQ], m[desc + f.D_FLOW], m[desc + f.D_PROGRAM], m[desc + f.D_NAME] = (
            number, flow, self.routines[program], m.name(name)
        )  # fmt: skip
        return desc

    def _system_vector(self, vector, name):
        desc = self._descriptor(-vector, f.FLOW_SYSTEM, name, SYSTEM_ROUTINES.get(name, "system_vector"))
        self.memory[desc + f.D_VECTOR] = vector
        for cpu in self.cpus:
            self.memory[cpu + f.C_VECTORS + vector] = desc
        self.irqs[-vector] = desc

    def irq(self, number, cpu=0, flow=f.FLOW_EDGE, name="", affinity=None, managed=False, nobalancing=False, chip=None):
        """A line. cpu: the number of the CPU it is delivered to, and its only one unless affinity says more; None: the CPU of
        `affinity` (numbers; None: the machine's default mask) with the most vectors left. chip: who sends its messages."""
        desc = self._descriptor(number, flow, name, "irq")
        self.memory[desc + f.D_CHIP] = chip or (f.CHIP_MSI if flow == f.FLOW_EDGE else f.CHIP_IOAPIC)
        begin_line(self, desc, (cpu,) if affinity is None and cpu is not None else affinity, managed, nobalancing)
        self.memory[desc + f.D_NEXT_CPU] = 0 if cpu is None else self.cpus[cpu]
        self.irqs[number] = desc
        return desc

    def percpu_irq(self, number, name=""):
        """A line that each CPU has for itself (handle_percpu_irq). Raises: TophalfError when there are too many."""
        desc = self._descriptor(number, f.FLOW_PERCPU, name, "irq")
        begin_percpu_line(self, desc)
        self.irqs[number] = desc
        return desc

    def action(self, desc, name, handler, argument=0, flags=f.IRQF_SHARED):
        """request_irq: `handler` is a program, its frame's F_ARG is `argument`; a thread runs it where threads are forced."""
        return request_irq(self, desc, name, handler, argument, flags)

    # Network

    def queue(self, name, desc, mode, ring, packet_cost, arrivals):
        """A receive queue. arrivals: ("constant", rate_pps), ("poisson", rate_pps), ("bursts", packets, gap_ns, rate_pps) or
        ("times", [ns, ...]). packet_cost: a cost's address."""
        m = self.memory
        queue = m.take(f.QUEUE_SIZE)
        slots = 1 << (ring + 256).bit_length()
        m[queue + f.Q_NAME], m[queue + f.Q_DESC], m[queue + f.Q_MODE], m[queue + f.Q_RING_SIZE] = m.name(name), desc, mode, ring
        m[queue + f.Q_SLOT_MASK], m[queue + f.Q_RING] = slots - 1, m.take(slots * f.SLOT_SIZE)
        m[queue + f.Q_REPLAY], m[queue + f.Q_LOST] = m.take(2 * slots), m.take(slots + 1)
        m[queue + f.Q_HISTOGRAM], m[queue + f.Q_PACKET_COST] = m.take(f.HISTOGRAM_SIZE), packet_cost
        m[desc + f.D_SOURCE] = queue
        self.timer(queue + f.Q_TIMER, f.ON_QUEUE, queue)
        self.set_arrivals(queue, f"{name} {len(self.queues)}", *arrivals)
        self.queues.append(queue)
        return queue

    def set_arrivals(self, queue, purpose, kind, *given):
        m = self.memory
        if kind == "times":
            times = sorted(given[0])
            m[queue + f.Q_ARRIVALS], m[queue + f.Q_TIMES] = f.TIMES, m.put([*times, f.NEVER])
            m[queue + f.Q_TIMES_LEFT], m[queue + f.Q_NEXT] = len(times), times[0] if times else f.NEVER
            return
        rate = given[-1]
        m[queue + f.Q_NEXT] = 0 if rate else f.NEVER
        m[queue + f.Q_ARRIVALS] = {"constant": f.CONSTANT_RATE, "poisson": f.POISSON, "bursts": f.BURSTS}[kind]
        if kind == "poisson" and rate:
            m[queue + f.Q_RNG] = m.stream(f"arrivals {purpose}")
        if rate:
            m[queue + f.Q_PERIOD], m[queue + f.Q_PERIOD_FRACTION], m[queue + f.Q_PERIOD_WHOLE] = period_of(kind, rate)
        if kind == "bursts":
            m[queue + f.Q_BURST] = m[queue + f.Q_BURST_LEFT] = given[0]
            m[queue + f.Q_GAP] = given[1]

    def napi(self, name, queue, poll_cost, weight=64):
        """A NAPI instance that polls `queue`; poll_cost: a cost's address."""
        return self._napi(name, queue, lambda code: poll_routine(code, poll_cost, weight), weight)

    def staged_napi(self, name, queue, weight=64):
        """A NAPI instance for the packets that a handler has taken from `queue` (OP_RX_STAGE)."""
        return self._napi(name, queue, lambda code: staged_poll_routine(code, queue, weight), weight)

    def _napi(self, name, queue, write_poll, weight):
        m, napi, code = self.memory, self.bare_napi(name, weight), Assembler()
        code.label("poll")
        write_poll(code)
        m[napi + f.N_POLL], m[napi + f.N_QUEUE], m[queue + f.Q_NAPI] = code.place(m)["poll"], queue, napi
        return napi

    def bare_napi(self, name, weight, size=f.NAPI_SIZE):
        """A NAPI instance without a poll, of `size` words."""
        m = self.memory
        napi = m.take(size)
        m[napi + f.N_NAME], m[napi + f.N_ID], m[napi + f.N_WEIGHT] = m.name(name), napi_address(len(self.napis)), weight
        self.hrtimer(napi + f.N_TIMER, f.DO_NAPI, napi)
        self.napis.append(napi)
        return napi

    def program(self, assembler):
        """Place a program. Returns {label: address}."""
        return assembler.place(self.memory)

    # The end

    def world(self, trace_rows=0):
        """The World, ready to run. trace_rows: room for events between two looks of Python; 0: no tracing."""
        from tophalf.model.check.buildwatch import add_watch
        from tophalf.model.code.buildcode import end_code
        from tophalf.model.work.buildwork import end_work, timer_count
        from tophalf.model.world import World

        m = self.memory
        end_work(self)
        add_watch(self)
        end_managed(self)
        end_stack(self)
        end_code(self)
        singles = len(self.tasks) + len(self.devices) + len(self.actors) + timer_count(self)
        singles += sum(disk.requests for disk in self.disks) + len(self.timers) + len(self.nmis) + self.units
        doubles = len(self.queues) + len(self.napis)
        m[f.G_HEAP] = m.take(2 * (6 * len(self.cpus) + singles + 2 * doubles + 66))
        m[f.G_TRACE_MAX] = trace_rows
        m[f.G_TRACE_ROOM] = trace_rows + MARGIN + MARGIN_OF_TASK * len(self.tasks) if trace_rows else 0
        m[f.G_TRACE] = m.take(m[f.G_TRACE_ROOM] * f.TRACE_ROW)
        return World(self)


def napi_address(index):
    """What the trace says a NAPI instance is: an address as a kernel would have it."""
    return (0xFFFF_8880_0100_0000 + index * 0x1000) - (1 << 64)


def _lognormal_quantiles(mean, sigma):
    from statistics import NormalDist

    middle = math.log(mean) - sigma * sigma / 2
    steps = ((i + 0.5) / EMPIRICAL_CELLS for i in range(EMPIRICAL_CELLS))
    return [round(math.exp(middle + sigma * NormalDist().inv_cdf(step))) for step in steps]
