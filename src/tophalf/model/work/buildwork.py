"""Workqueues, work items and what queues them, in a world that is being built; at the end the pools get their workers.

kernel/workqueue.c alloc_workqueue, workqueue_init_early (the system's workqueues), workqueue_init (one worker a pool). Pools are
made for the workqueues that there are. Left out: cpumask and nice of a workqueue's own, affinity_strict.
"""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.irq.builddevices import HEAP_BASE, add_function
from tophalf.model.work import workfields as g

FLAGS = {
    "bh": g.WQ_BH, "unbound": g.WQ_UNBOUND, "freezable": g.WQ_FREEZABLE, "mem_reclaim": g.WQ_MEM_RECLAIM,
    "highpri": g.WQ_HIGHPRI, "cpu_intensive": g.WQ_CPU_INTENSIVE, "sysfs": g.WQ_SYSFS,
    "power_efficient": g.WQ_POWER_EFFICIENT, "percpu": g.WQ_PERCPU, "ordered": g.WQ_UNBOUND | g.WQ_ORDERED,
}  # fmt: skip
SCOPES = ("cpu", "smt", "cache", "numa", "system")
# The kernel's variable: the workqueue's name, its flags, max_active
SYSTEM = {
    "system_wq": ("events", 0, 0), "system_percpu_wq": ("events", 0, 0),
    "system_highpri_wq": ("events_highpri", g.WQ_HIGHPRI, 0), "system_long_wq": ("events_long", 0, 0),
    "system_unbound_wq": ("events_unbound", g.WQ_UNBOUND, g.WQ_MAX_ACTIVE),
    "system_dfl_wq": ("events_unbound", g.WQ_UNBOUND, g.WQ_MAX_ACTIVE),
    "system_freezable_wq": ("events_freezable", g.WQ_FREEZABLE, 0),
    "system_power_efficient_wq": ("events_power_efficient", g.WQ_POWER_EFFICIENT, 0),
    "system_freezable_power_efficient_wq": ("events_freezable_pwr_efficient", g.WQ_FREEZABLE | g.WQ_POWER_EFFICIENT, 0),
    "system_bh_wq": ("events_bh", g.WQ_BH, 0), "system_bh_highpri_wq": ("events_bh_highpri", g.WQ_BH | g.WQ_HIGHPRI, 0),
}  # fmt: skip
CPU_INTENSIVE_NS = 10_000_000  # wq_cpu_intensive_thresh_us, of a machine with 4,000 BogoMIPS and more
NICE_HIGHPRI = -20  # HIGHPRI_NICE_LEVEL, RESCUER_NICE_LEVEL
COMM_MAX = 15  # TASK_COMM_LEN less the end


class Workqueues:
    """What a Builder knows of workqueues: pools by what they are for, pool_workqueues by (workqueue, pool), names of workqueues by
    address, those of the kernel by variable; items, and by name (`named`) with their workqueues (`queue_of`)."""

    def __init__(self, builder):
        m = self.memory = builder.memory
        self.block = m[f.G_WORK] = m.take(g.WORK_SIZE)
        m[self.block + g.W_CPU_INTENSIVE_NS] = CPU_INTENSIVE_NS
        m[self.block + g.W_BARRIER_PROGRAM] = builder.routines["wq_barrier"]
        m[self.block + g.W_BARRIER_FUNCTION] = add_function(builder, "wq_barrier_func")
        self.pools, self.pwqs, self.queues, self.system, self.works, self.sources = {}, {}, {}, {}, [], []
        self.named, self.queue_of, self.ended = {}, {}, False
        m[self.block + g.W_CREATE_NS] = builder.about.get("worker_creation_ns", 0)
        self.power_efficient = builder.about.get("power_efficient", False)
        cpus = range(len(builder.cpus))
        self.nodes = list((builder.about.get("nodes") or {0: tuple(cpus)}).values())
        self.has_bh = m[f.G_KERNEL] >= 609
        self.ids = (4 if self.has_bh else 2) * len(cpus)  # what the pools of CPUs have taken
        isolated = set(builder.about.get("isolated", ()))
        self.allowed = tuple(cpu for cpu in cpus if cpu not in isolated) or tuple(cpus)  # wq_unbound_cpumask
        for number, cpu in enumerate(builder.cpus):
            m[cpu + f.C_WORK] = m.take(g.WORK_CPU_SIZE)
            m[m[cpu + f.C_WORK] + g.U_ALLOWED] = int(number in self.allowed)


def workqueues(builder):
    """The Workqueues of a Builder, made when first asked for."""
    if builder.workqueues is None:
        builder.workqueues = Workqueues(builder)
    return builder.workqueues


def add_workqueue(builder, name, flags=0, max_active=0, scope=None):
    """alloc_workqueue. flags: WQ_* of workfields; max_active: 0 for the default; scope: of an unbound one, None for the default.

    Returns its address. Raises: TophalfError for flags that do not go together.
    """
    known = workqueues(builder)
    flags, max_active = _checked(builder, known, name, flags, max_active)
    m = builder.memory
    wq = m.take(g.WQ_STRUCT_SIZE)
    for node in (g.WQ_FLUSHER_QUEUE, g.WQ_FLUSHER_OVERFLOW, g.WQ_MAYDAYS):
        _empty(m, wq + node)
    least = min(max_active, g.WQ_DFL_MIN_ACTIVE)
    m[wq + g.WQ_FLAGS], m[wq + g.WQ_NAME] = flags, m.name(name)
    m[wq + g.WQ_MAX], m[wq + g.WQ_SAVED_MAX], m[wq + g.WQ_MIN], m[wq + g.WQ_SAVED_MIN] = max_active, max_active, least, least
    by_cpu = [_pwq(builder, known, wq, cpu, flags, scope) for cpu in range(len(builder.cpus))]
    if flags & g.WQ_UNBOUND and known.has_bh:
        _count_by_node(m, known, wq, max_active, least)
    pwqs = list(dict.fromkeys(by_cpu))
    m[wq + g.WQ_CPU_PWQ], m[wq + g.WQ_PWQS], m[wq + g.WQ_PWQ_COUNT] = m.put(by_cpu), m.put(pwqs), len(pwqs)
    known.queues[wq] = name
    return wq


def system_workqueue(builder, variable):
    """One of the kernel's own workqueues, by the name of its variable (SYSTEM)."""
    known = workqueues(builder)
    if variable not in known.system:
        known.system[variable] = add_workqueue(builder, *SYSTEM[variable])
    return known.system[variable]


def add_work(builder, function, program, argument=0):
    """INIT_WORK, INIT_DELAYED_WORK: an item whose function is `program` (an address); `function` names it in traces."""
    work = builder.memory.take(g.WORK_ITEM_SIZE)
    _begin_work(builder, work)
    m = builder.memory
    m[work + g.X_PROGRAM], m[work + g.X_ARG], m[work + g.X_FUNCTION] = program, argument, add_function(builder, function)
    builder.hrtimer(work + g.X_TIMER, f.DO_DELAYED_WORK, work, wheel=True)
    workqueues(builder).works.append(work)
    return work


def add_source(builder, purpose, works, wq, arrivals, home=0, cpu=None, delay=0, context="hrtimer"):
    """Queue `works` in turn at times. Returns the source's address.

    Args: arrivals: see Builder.set_arrivals. home: number of the CPU where that happens; cpu: of the one that is asked for
    (queue_work_on). delay: jiffies. context: hrtimer (a hardirq), softirq, or task: one that does OP_WAIT_ARRIVAL.
    """
    m = builder.memory
    source = m.take(g.EMITTER_SIZE)
    arrives = m[source + g.E_SOURCE] = m.take(f.QUEUE_SIZE)
    builder.set_arrivals(arrives, f"work {purpose}", *arrivals)
    m[source + g.E_WORKS], m[source + g.E_COUNT], m[source + g.E_WQ] = m.put(list(works)), len(works), wq
    m[source + g.E_CPU], m[source + g.E_DELAY], m[source + g.E_HOME] = 0 if cpu is None else cpu + 1, delay, builder.cpus[home]
    if context != "task":
        builder.hrtimer(source + g.E_TIMER, f.DO_QUEUE_WORK, source)
        if context == "softirq":
            m[source + g.E_TIMER + f.H_DO] |= f.IN_SOFTIRQ_TIMER
        workqueues(builder).sources.append(source)
    return source


def end_work(builder):
    """Workers, rescuers, and what other tasks need to wait for items."""
    known = builder.workqueues
    if known is None or known.ended:
        return
    m, known.ended = builder.memory, True
    for pool in known.pools.values():
        _make_workers(builder, known, pool)
    for wq, name in known.queues.items():
        if m[wq + g.WQ_FLAGS] & g.WQ_MEM_RECLAIM:
            m[wq + g.WQ_RESCUER] = _make_rescuer(builder, known, wq, name)
    for pid, task in builder.tasks.items():
        if pid > 0 and m[task + f.K_WORKER] == 0:
            _block(builder, task)
    wqs, pools = list(known.queues), list(known.pools.values())
    m[known.block + g.W_WQS], m[known.block + g.W_WQ_COUNT] = m.put(wqs), len(wqs)
    m[known.block + g.W_POOLS], m[known.block + g.W_POOL_COUNT] = m.put(pools), len(pools)


def timer_count(builder):
    """How many timers of workqueues can stand in the event queue at a time."""
    known = builder.workqueues
    return len(known.works) + len(known.sources) + len(known.pools) if known else 0


# Workqueues


def _checked(builder, known, name, flags, max_active):
    """(flags, max_active) as __alloc_workqueue has them after its checks."""
    if flags & g.WQ_BH:
        if flags & ~(g.WQ_BH | g.WQ_HIGHPRI) or max_active:
            raise TophalfError("a BH workqueue may only be highpri, and has no max_active", name, "leave out the rest")
        if not known.has_bh:
            raise TophalfError("Linux 6.1 has no BH workqueues", name, "use kernel 6.12, or a tasklet")
        if builder.memory[f.G_ACTIONS]:
            _before_tasklets(builder)
        return flags, g.INT_MAX
    if flags & g.WQ_POWER_EFFICIENT and known.power_efficient:
        flags |= g.WQ_UNBOUND
    if flags & g.WQ_ORDERED:
        return flags, 1
    max_active = max_active or g.WQ_DFL_ACTIVE
    if not 1 <= max_active <= g.WQ_MAX_ACTIVE:
        raise TophalfError(f"max_active {max_active} is out of range", name, f"give 1 to {g.WQ_MAX_ACTIVE}")
    if flags & g.WQ_UNBOUND and max_active == 1 and not known.has_bh:
        flags |= g.WQ_ORDERED  # until 6.8 such a workqueue was ordered without being asked to
    return flags, max_active


def _before_tasklets(builder):
    """The softirqs TASKLET and HI look at BH pools first."""
    from tophalf import vocab

    m = builder.memory
    m[m[f.G_ACTIONS] + vocab.TASKLET] = builder.routines["bh_work"]
    m[m[f.G_ACTIONS] + vocab.HI] = builder.routines["hi_bh_work"]
    for number in range(len(builder.cpus)):
        for nice in (0, NICE_HIGHPRI):
            _cpu_pool(builder, workqueues(builder), number, nice, True)


def _pwq(builder, known, wq, cpu, flags, scope):
    """The pool_workqueue of a CPU, made when the first CPU of its pool asks."""
    nice = NICE_HIGHPRI if flags & g.WQ_HIGHPRI else 0
    if flags & g.WQ_UNBOUND:
        pool = _unbound_pool(builder, known, cpu, nice, "system" if flags & g.WQ_ORDERED else scope)
    else:
        pool = _cpu_pool(builder, known, cpu, nice, bool(flags & g.WQ_BH))
    m, made = builder.memory, known.pwqs
    if (wq, pool) not in made:
        pwq = made[wq, pool] = m.take(g.PWQ_SIZE)
        for node in (g.Y_INACTIVE_WORKS, g.Y_PENDING_NODE, g.Y_MAYDAY_NODE):
            _empty(m, pwq + node)
        m[pwq + g.Y_POOL], m[pwq + g.Y_WQ], m[pwq + g.Y_FLUSH_COLOR] = pool, wq, -1
    return made[wq, pool]


def _count_by_node(m, known, wq, max_active, least):
    """wq_node_nr_active: max_active shared out by each node's CPUs; one more for pools of no node."""
    counts, found = [len(set(cpus) & set(known.allowed)) for cpus in known.nodes], []
    for count in (*counts, None):
        nna = m.take(g.NNA_SIZE)
        _empty(m, nna + g.NNA_PENDING)
        share = max_active if count is None else -(-max_active * count // sum(counts))
        m[nna + g.NNA_MAX] = max(least, min(share, max_active))
        found.append(nna)
    m[wq + g.WQ_NODE_NR_ACTIVE], m[wq + g.WQ_NODE_COUNT] = m.put(found), len(known.nodes)
    m[wq + g.WQ_NODE_CPUS] = m.put(counts)


# Pools


def _new_pool(builder, known, key, nice):
    m = builder.memory
    pool = known.pools[key] = m.take(g.POOL_SIZE)
    for node in (g.O_WORKLIST, g.O_IDLE_LIST, g.O_BUSY):
        _empty(m, pool + node)
    m[pool + g.O_NICE] = nice
    builder.hrtimer(pool + g.O_MAYDAY_TIMER, f.DO_MAYDAY, pool, wheel=True)
    return pool


def _cpu_pool(builder, known, cpu, nice, bh):
    key = ("bh" if bh else "cpu", cpu, nice)
    if key in known.pools:
        return known.pools[key]
    m, pool = builder.memory, _new_pool(builder, known, key, nice)
    m[pool + g.O_CPU] = builder.cpus[cpu]
    m[pool + g.O_NODE] = next(node for node, cpus in enumerate(known.nodes) if cpu in cpus)
    if bh:
        m[pool + g.O_FLAGS] = g.POOL_BH | g.POOL_DISASSOCIATED
        m[m[builder.cpus[cpu] + f.C_WORK] + (g.U_BH_HIGHPRI_POOL if nice else g.U_BH_POOL)] = pool
    return pool


def _unbound_pool(builder, known, cpu, nice, scope):
    """The pool of a CPU's pod. The default pwq's comes first: it is for all CPUs, and all that an ordered workqueue has."""
    _unbound_by_cpus(builder, known, nice, known.allowed)
    pod = tuple(other for other in _pod(builder, known, cpu, scope) if other in known.allowed)
    return _unbound_by_cpus(builder, known, nice, pod or known.allowed)


def _unbound_by_cpus(builder, known, nice, pod):
    key = ("unbound", pod, nice)
    if key in known.pools:
        return known.pools[key]
    m, pool = builder.memory, _new_pool(builder, known, key, nice)
    nodes = (node for node, cpus in enumerate(known.nodes) if set(pod) <= set(cpus))
    m[pool + g.O_NODE], m[pool + g.O_ID], m[pool + g.O_FLAGS] = next(nodes, len(known.nodes)), known.ids, g.POOL_DISASSOCIATED
    m[pool + g.O_SCOPE], m[pool + g.O_SCOPE_COUNT] = m.put([builder.cpus[cpu] for cpu in pod]), len(pod)
    known.ids += 1
    return pool


def _pod(builder, known, cpu, scope):
    """The CPUs that share what the scope names with one CPU. 6.1 knows nodes only."""
    if scope == "system":
        return tuple(range(len(builder.cpus)))
    scope = (scope or "cache") if known.has_bh else "numa"
    if scope in ("cpu", "smt"):
        groups = builder.about.get("siblings", ()) if scope == "smt" else ()
    else:
        groups = builder.about.get("caches", known.nodes) if scope == "cache" else known.nodes
    return next((tuple(group) for group in groups if cpu in group), (cpu,))


# Workers


def _block(builder, task, flags=g.WORKER_PREP):
    """A struct worker; for a task that is none only what it waits with."""
    m = builder.memory
    worker = m.take(g.WORKER_SIZE)
    for node in (g.R_ENTRY, g.R_SCHEDULED, g.R_HENTRY, g.R_FLUSHER):
        _empty(m, worker + node)
    _begin_work(builder, worker + g.R_BARRIER)
    m[worker + g.R_TASK], m[worker + g.R_FLAGS] = task, flags
    if task:
        m[task + f.K_WORKER] = worker
    return worker


def _make_workers(builder, known, pool):
    """As many as can be of use: each runs an item, two more are about to. One is there from the beginning."""
    m = builder.memory
    bh, used = m[pool + g.O_FLAGS] & g.POOL_BH, any(pool == of for _, of in known.pwqs)
    found = [_make_worker(builder, pool, number, bh) for number in range(len(known.works) + 2 if used and not bh else 1)]
    m[pool + g.O_WORKERS], m[pool + g.O_WORKERS_MAX] = m.put(found), len(found)
    m[found[0] + g.R_EXISTS], m[pool + g.O_NR_WORKERS], m[pool + g.O_NR_IDLE] = 1, 1, 1
    m[found[0] + g.R_FLAGS] |= g.WORKER_IDLE
    idle, first = pool + g.O_IDLE_LIST, found[0] + g.R_ENTRY
    m[idle] = m[idle + 1] = first
    m[first] = m[first + 1] = idle


def _make_worker(builder, pool, number, bh):
    m = builder.memory
    cpu, nice = m[pool + g.O_CPU], m[pool + g.O_NICE]
    where = m[cpu + f.C_NUMBER] if cpu else m[m[m[pool + g.O_SCOPE]] + f.C_NUMBER]
    name = f"kworker/{where}:{number}{'H' if nice < 0 else ''}" if cpu else f"kworker/u{m[pool + g.O_ID]}:{number}"
    task = 0 if bh else _task(builder, name, where, "worker_thread", nice)
    if task and cpu:
        m[task + f.K_FLAGS] |= f.PER_CPU_THREAD
    unbound = g.WORKER_UNBOUND if m[pool + g.O_FLAGS] & g.POOL_DISASSOCIATED else 0
    worker = _block(builder, task, g.WORKER_PREP | unbound)
    m[worker + g.R_POOL], m[worker + g.R_ID] = pool, number
    return worker


def _make_rescuer(builder, known, wq, name):
    text = f"kworker/R-{name}" if known.has_bh else name
    worker = _block(builder, _task(builder, text, 0, "rescuer_thread", NICE_HIGHPRI))
    builder.memory[worker + g.R_RESCUE_WQ], builder.memory[worker + g.R_EXISTS] = wq, 1
    return worker


def _task(builder, name, cpu, program, nice):
    task = builder.task(name[:COMM_MAX], cpu, program, f.KWORKER, priority=nice, kernel_thread=True)
    builder.memory[task + f.K_STATE] = g.TASK_IDLE
    return task


def _begin_work(builder, work):
    m = builder.memory
    _empty(m, work)
    m[work + g.X_ADDRESS] = HEAP_BASE + work * 8 - (1 << 64)


def _empty(m, head):
    """INIT_LIST_HEAD."""
    m[head] = m[head + 1] = head
