"""Where lines and tasks are while CPUs go and come, against a list of what happens in order, with plain sets for masks.

Twin of: cpuoffline, fallback, taskmove, workhotplug.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program
from modelworlds import TICKLESS
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.cpu.buildhotplug import add_hotplug
from tophalf.model.irq.builddevices import add_device, add_threaded_action, spend_program
from tophalf.model.irq.manage import OFFLINE_CPU, ONLINE_CPU, SET_AFFINITY, command
from tophalf.model.irq.managefields import I_AFFINITY, M_ONLINE, M_WANTED, P_AVAILABLE, P_MANAGED_ALLOCATED
from tophalf.model.table import event_table
from tophalf.model.work import workops
from tophalf.model.work.buildwork import add_work, system_workqueue

CPUS, LINES = 4, 3
STEP_NS = 50_000_000  # long enough for an order, and for an old vector to be freed
masks = st.sets(st.integers(0, CPUS - 1), min_size=1)
managed = st.fixed_dictionaries({"mask": masks, "managed": st.booleans(), "threaded": st.booleans()})
step = st.one_of(
    st.tuples(st.just("irq"), st.integers(0, LINES - 1)), st.tuples(st.sampled_from(("wake", "work")), st.integers(0, CPUS - 1)),
    st.tuples(st.just("mask"), st.integers(0, LINES - 1), masks),
    st.tuples(st.sampled_from(("offline", "online")), st.integers(1, CPUS - 1)),
)  # fmt: skip


class Machine:
    """lines: dicts with mask, managed, cpu (None: shut down), held (an interrupt waits for it to begin), home (its thread's CPU),
    follows (whether that has to look where the line is). ran: {task: CPUs}."""

    def __init__(self, lines, kernel):
        self.kernel = kernel
        self.online, self.vectors = set(range(CPUS)), dict.fromkeys(range(CPUS), 0)
        self.managed = dict.fromkeys(range(CPUS), 0)
        self.lines, self.landed = [], []
        for number, what in enumerate(lines):
            for cpu in what["mask"] if what["managed"] else ():
                self.vectors[cpu] += 1  # kept for it, online or not
            line = what | {"cpu": None, "held": False, "name": f"irq/{24 + number}-dev"}
            self.put(line, what["mask"])
            self.lines.append(line | {"home": line["cpu"], "follows": False})
        self.homes, self.worked = list(range(CPUS)), []
        self.ran = {f"app{cpu}": [cpu] for cpu in range(CPUS)} | {line["name"]: [] for line in self.lines}

    def put(self, line, mask):
        """On the best CPU of a mask, unless it is on one of them."""
        line["follows"] = True
        targets = sorted(mask & self.online)
        if line["cpu"] in targets:
            return
        counts = self.managed if line["managed"] else self.vectors
        self.take(line)
        if line["managed"]:
            targets.reverse()  # of equals the last, else the first
        line["cpu"] = min(targets, key=lambda cpu: counts[cpu])
        counts[line["cpu"]] += 1

    def take(self, line):
        if line["cpu"] is not None:
            (self.managed if line["managed"] else self.vectors)[line["cpu"]] -= 1
        line["cpu"] = None

    def irq(self, number):
        line = self.lines[number]
        if line["cpu"] is None:
            line["held"] = True
            return
        self.landed.append((24 + number, line["cpu"]))
        if line["threaded"]:
            self.thread(line)

    def moved(self, line):
        """Since 6.10 the threads of a line that is placed anew are woken to follow it."""
        if line["threaded"] and self.kernel != "6.1":
            self.thread(line)

    def thread(self, line):
        """It runs where it was, or on the first CPU if that is gone, and goes where the line is if it was told to."""
        if line["home"] not in self.online:
            line["home"] = 0
        self.ran[line["name"]].append(line["home"])
        if line["follows"] and line["cpu"] != line["home"]:
            line["home"] = line["cpu"]
            self.ran[line["name"]].append(line["home"])
        line["follows"] = False

    def mask(self, number, mask):
        line = self.lines[number]
        if line["managed"]:
            return -5 if self.kernel == "6.1" else -1
        if not mask & self.online:
            return -22
        self.put(line, mask)
        line["mask"] = mask
        self.moved(line)
        return 0

    def offline(self, cpu):
        self.online.discard(cpu)
        for line in self.lines:
            if line["cpu"] != cpu:
                continue
            mask = line["mask"]
            if not mask & self.online:
                if line["managed"]:
                    self.take(line)
                    continue
                mask = line["mask"] = set(self.online)
            self.put(line, mask)
            self.moved(line)

    def bring(self, cpu):
        self.online.add(cpu)
        for number, line in enumerate(self.lines):
            if line["managed"] and line["cpu"] is None and cpu in line["mask"]:
                self.put(line, line["mask"])
                self.moved(line)
                if line["held"]:
                    line["held"] = False
                    self.irq(number)

    def wake(self, number):
        """A task that sleeps; bound to the CPU of its number until that is not there for it."""
        if self.homes[number] not in self.online:
            self.homes[number] = 0
        self.ran[f"app{number}"].append(self.homes[number])

    def work(self, cpu):
        """An item that is queued on a CPU: its worker is there, or on the first CPU while that is gone."""
        self.worked.append(cpu if cpu in self.online else 0)


def build(lines, kernel):
    builder = Builder(1, cpus=CPUS, kernel=kernel, nohz=TICKLESS, costs={"context_switch": 1000})
    devices = []
    for number, line in enumerate(lines):
        desc = builder.irq(24 + number, None, affinity=sorted(line["mask"]), managed=line["managed"])
        devices.append(add_device(builder, "dev", desc, False))
        if line["threaded"]:
            handler = program(builder, (ops.OP_RET, f.IRQ_WAKE_THREAD))
            thread = program(builder, (ops.OP_SPEND_NS, 1000), (ops.OP_RET, f.IRQ_HANDLED))
            add_threaded_action(builder, desc, "dev", thread, handler)
        else:
            builder.action(desc, "dev", program(builder, (ops.OP_SPEND_NS, 1000), (ops.OP_RET, f.IRQ_HANDLED)))
    return builder, devices


@settings(max_examples=40, deadline=None)
@given(st.lists(managed, min_size=LINES, max_size=LINES), st.lists(step, min_size=1, max_size=16), st.sampled_from(("6.1", "6.12")))
def test_lines_and_tasks_are_where_the_list_says(lines, history, kernel):
    twin = Machine(lines, kernel)
    builder, devices = build(lines, kernel)
    code = program(builder, (ops.OP_BLOCK, f.SLEEPING), (ops.OP_SPEND_NS, 1000), (ops.OP_JUMP, "start"))
    tasks = [builder.task(f"app{cpu}", cpu, code) for cpu in range(CPUS)]
    add_hotplug(builder)
    wq, job = system_workqueue(builder, "system_wq"), spend_program(builder, builder.cost(1000, "job"))
    works = [add_work(builder, "job", job) for _ in range(CPUS)]
    # Who triggers and wakes: a task that is told by the list, one instruction a step
    script = [(ops.OP_SLEEP, STEP_NS)]
    for what, number, *_ in history:
        if what == "irq":
            script.append((ops.OP_TRIGGER, devices[number]))
        if what == "wake":
            script.append((ops.OP_WAKE, tasks[number]))
        if what == "work":
            script.append((workops.OP_QUEUE_WORK, works[number], wq, number + 1))
        script.append((ops.OP_SLEEP, STEP_NS))
    builder.task("script", 0, program(builder, *script, (ops.OP_EXIT,)))
    world = builder.world(20_000)
    for at, (what, number, *given_mask) in enumerate(history):
        world.run(STEP_NS * (at + 1) - STEP_NS // 2)
        follow(twin, world, what, number, *given_mask)
    world.run(STEP_NS * (len(history) + 2))
    same(twin, builder, world)


def follow(twin, world, what, number, mask=()):
    m, cpus = world.memory, world.builder.cpus
    if what == "mask":
        m[m[m[f.G_MANAGE] + M_WANTED]] = sum(1 << cpu for cpu in mask)
        assert command(m, SET_AFFINITY, world.builder.irqs[24 + number]) == twin.mask(number, mask)
    elif what == "offline":
        assert command(m, OFFLINE_CPU, cpus[number]) == 0
        twin.offline(number)
    elif what == "online":
        assert command(m, ONLINE_CPU, cpus[number]) == 0
        if number not in twin.online:
            twin.bring(number)
    else:
        getattr(twin, what)(number)


def same(twin, builder, world):
    m, table = world.memory, event_table(world)
    entries = table.kind == vocab.IRQ_HANDLER_ENTRY
    assert list(zip(table.a[entries].tolist(), table.cpu[entries].tolist(), strict=True)) == twin.landed
    assert table.cpu[table.kind == vocab.WORKQUEUE_EXECUTE_START].tolist() == twin.worked
    switches = table.kind == vocab.SCHED_SWITCH
    ran = {name: [] for name in twin.ran}
    for name, cpu in zip(table.name[switches].tolist(), table.cpu[switches].tolist(), strict=True):
        ran.get(table.strings[name], []).append(cpu)
    assert ran == twin.ran
    assert m[m[m[f.G_MANAGE] + M_ONLINE]] == sum(1 << cpu for cpu in twin.online)
    for number, line in enumerate(twin.lines):
        desc = builder.irqs[24 + number]
        assert (m[desc + f.D_VECTOR] == 0) == (line["cpu"] is None)
        assert m[desc + f.D_CPU] == builder.cpus[line["cpu"] or 0]
        assert m[m[m[desc + f.D_MANAGE] + I_AFFINITY]] == sum(1 << cpu for cpu in line["mask"])
    full = 201
    for number, cpu in enumerate(builder.cpus):
        block = m[cpu + f.C_MANAGE]
        assert (full - m[block + P_AVAILABLE], m[block + P_MANAGED_ALLOCATED]) == (twin.vectors[number], twin.managed[number])
