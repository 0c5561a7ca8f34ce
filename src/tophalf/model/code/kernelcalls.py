"""Calls of the kernel's API as instructions: a function a name, or a row of what is written.

Left out: that memory runs out; kmalloc answers 1, copies answer 0.
"""

from tophalf import vocab
from tophalf.driver.api import CALLS, GFP_DIRECT_RECLAIM
from tophalf.driver.roles import cancels_bh_work
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.check.buildwatch import say_what_is_queued
from tophalf.model.check.checkcalls import check_before, check_call
from tophalf.model.check.checkroles import HANDLER
from tophalf.model.code import codeops as c
from tophalf.model.code import napicalls, registercalls, timingcalls, waitcalls, workcalls
from tophalf.model.code.objects import Local, Object
from tophalf.model.code.operands import FINDERS, address_of, object_of
from tophalf.model.irq import manageops

IRQS_OFF, IRQS_ON = (ops.OP_IRQS_OFF,), (ops.OP_IRQS_ON,)
PREEMPT_OFF, PREEMPT_ON = (ops.OP_PREEMPT_OFF,), (ops.OP_PREEMPT_ON,)
BH_OFF, BH_ON = (ops.OP_BH_OFF,), (ops.OP_BH_ON,)
LOCK, UNLOCK = (c.CODE_SPIN_LOCK, "object"), (c.CODE_SPIN_UNLOCK, "object")
# What has no result: its instructions; "object": the address of the object that is an argument, "line": of the line
PLAIN = {
    "local_irq_disable": [IRQS_OFF], "local_irq_enable": [IRQS_ON], "local_bh_disable": [BH_OFF], "local_bh_enable": [BH_ON],
    "preempt_disable": [PREEMPT_OFF], "preempt_enable": [PREEMPT_ON], "cond_resched": [(ops.OP_COND_RESCHED,)],
    "spin_lock": [PREEMPT_OFF, LOCK], "spin_unlock": [UNLOCK, PREEMPT_ON],
    "spin_lock_bh": [BH_OFF, LOCK], "spin_unlock_bh": [UNLOCK, BH_ON],
    "spin_lock_irq": [IRQS_OFF, PREEMPT_OFF, LOCK], "spin_unlock_irq": [UNLOCK, IRQS_ON, PREEMPT_ON],
    "mutex_lock": [(c.CODE_MUTEX_LOCK, "object")], "mutex_unlock": [(c.CODE_MUTEX_UNLOCK, "object")],
    "spin_lock_init": [], "mutex_init": [],
    "tasklet_schedule": [(ops.OP_TASKLET_SCHEDULE, "object", vocab.TASKLET)],
    "tasklet_hi_schedule": [(ops.OP_TASKLET_SCHEDULE, "object", vocab.HI)],
    "tasklet_disable_nosync": [(ops.OP_TASKLET_DISABLE, "object")], "tasklet_enable": [(ops.OP_TASKLET_ENABLE, "object")],
    "tasklet_kill": [(ops.OP_TASKLET_KILL, "object"), (ops.OP_TASKLET_KILLED, "object")],
    "enable_irq": [(ops.OP_ENABLE_IRQ, "line")], "disable_irq_nosync": [(ops.OP_DISABLE_IRQ, "line")],
    "synchronize_irq": [(manageops.OP_SYNCHRONIZE_IRQ, "line")],
    "disable_irq": [(ops.OP_DISABLE_IRQ, "line"), (manageops.OP_SYNCHRONIZE_IRQ, "line")],
}  # fmt: skip
PLAIN |= waitcalls.PLAIN | workcalls.PLAIN
PLAIN |= {f"raw_{name}": PLAIN[name] for name in ("spin_lock", "spin_unlock", "spin_lock_irq", "spin_unlock_irq")}
REGISTERS_MAX = 1 << 16  # the scenario has no more
SPEND_NS = {"spend": 1, "udelay": 1000, "mdelay": 1_000_000}


def write_call(generator, writer, node, target):
    """The value of a call, its instructions written; `target` is a local for it. Raises: TophalfError for what the model does not
    know before the run."""
    name = node.func.id
    check_before(generator, writer, node)
    if CALLS[name].sleeps and (writer.role == HANDLER or not cancels_bh_work(generator.driver, node)):
        writer.write(c.CODE_MIGHT_SLEEP, generator.builder.memory.name(name) + 1)
    say_what_is_queued(generator, writer, node)
    check_call(generator, writer, node)
    if name in PLAIN:
        for op, *operands in PLAIN[name]:
            writer.write(op, *(FINDERS[each](generator, writer, node) if each in FINDERS else each for each in operands))
        return 0
    if name in SPEND_NS:
        return _spend(writer, node, SPEND_NS[name])
    return WRITERS[name](generator, writer, node, target)


def _spend(writer, node, unit):
    value = writer.value(node.args[0])
    if isinstance(value, int):
        writer.write(ops.OP_SPEND_NS, max(value, 0) * unit)
    else:
        writer.write(c.CODE_SPEND, writer.slot(node, value), unit)
    return 0


def _usleep_range(generator, writer, node, target):
    """Until the later time: the timer is set to that, and nothing fires it earlier here (schedule_hrtimeout_range)."""
    writer.value(node.args[0])
    writer.write(c.CODE_SLEEP, writer.number(node.args[1]), 1000)
    return 0


def _msleep(generator, writer, node, target):
    """kernel/time/timer.c msleep: in 6.1 one jiffy more."""
    writer.put(node, target, _to_jiffies(generator, writer, node, target))
    if generator.builder.memory[f.G_KERNEL] < 612:
        writer.write(c.CODE_ADD + c.CODE_CONSTANT, target, target, 1)
    after = writer.new_label()
    writer.write(c.CODE_ZERO, target, after)
    writer.write(c.CODE_SLEEP_JIFFIES, target)
    writer.write(c.CODE_AWAKE)
    writer.label(after)
    return 0


def _to_jiffies(generator, writer, node, target):
    """msecs_to_jiffies: rounded up."""
    tick_ns = generator.builder.memory[f.G_HZ_NS]
    ms = writer.value(node.args[0])
    if isinstance(ms, int):
        return -(-ms * 1_000_000 // tick_ns)
    ms = writer.slot(node, ms)
    writer.write(c.CODE_MUL + c.CODE_CONSTANT, target, ms, 1_000_000)
    writer.write(c.CODE_ADD + c.CODE_CONSTANT, target, target, tick_ns - 1)
    writer.write(c.CODE_DIV + c.CODE_CONSTANT, target, target, tick_ns)
    return Local(slot=target)


def _irqs_save(generator, writer, node, target):
    writer.write(c.CODE_IRQS_SAVE, target)
    return Local(slot=target)


def _irqs_restore(generator, writer, node, target):
    writer.write(c.CODE_IRQS_RESTORE, writer.number(node.args[-1]))
    return 0


def _lock_irqsave(generator, writer, node, target):
    address = object_of(generator, writer, node)
    saved = _irqs_save(generator, writer, node, target)
    writer.write(*PREEMPT_OFF)
    writer.write(c.CODE_SPIN_LOCK, address)
    return saved


def _unlock_irqrestore(generator, writer, node, target):
    writer.write(c.CODE_SPIN_UNLOCK, address_of(writer, node.args[0], "spinlock"))
    _irqs_restore(generator, writer, node, target)
    writer.write(*PREEMPT_ON)
    return 0


def _raise(generator, writer, node, target):
    number = writer.value(node.args[0])
    if not isinstance(number, int) or not 0 <= number < f.SOFTIRQ_COUNT:
        writer.refuse(node, "the number of the softirq is not known here", "write it, as TASKLET_SOFTIRQ")
    writer.write(ops.OP_RAISE, number)
    return 0


def _container(generator, writer, node, target):
    """from_tasklet, from_timer, container_of: the device that an object is an attribute of."""
    value = writer.value(node.args[0])
    if not isinstance(value, Object) or value.device is None:
        writer.refuse(node, f"{node.func.id} of what is no object of a device", "give it what the function was called with")
    return value.device


def _constant(number):
    """What always answers the same, once its arguments have been looked at."""

    def write(generator, writer, node, target):
        for argument in node.args:
            writer.value(argument)
        return number

    return write


def _kmalloc(generator, writer, node, target):
    """It may sleep, and complains where it may not, if its flags say so (GFP_KERNEL)."""
    size, flags = node.args
    writer.value(size)
    flags, words = writer.value(flags), generator.builder.memory.name("kmalloc with GFP_KERNEL") + 1
    if isinstance(flags, int):
        if flags & GFP_DIRECT_RECLAIM:
            writer.write(c.CODE_MIGHT_SLEEP, words)
        return 1
    after = writer.new_label()
    writer.write(c.CODE_AND + c.CODE_CONSTANT, target, writer.slot(node, flags), GFP_DIRECT_RECLAIM)
    writer.write(c.CODE_ZERO, target, after)
    writer.write(c.CODE_MIGHT_SLEEP, words)
    writer.label(after)
    return 1


def _into(op):
    """An instruction that only has a result."""

    def write(generator, writer, node, target):
        writer.write(op, target)
        return Local(slot=target)

    return write


def _registers(writer, node):
    device = writer.device(node)
    return device.registers or writer.refuse(node, "this device has no registers", "give it some")


def _read_reg(generator, writer, node, target):
    registers = _registers(writer, node.args[0])
    writer.write(c.CODE_READ_REG, target, registers, _register_number(writer, node.args[1]))
    return Local(slot=target)


def _register_number(writer, node):
    """The local with it, or -1 less the number where that is known."""
    value = writer.value(node)
    return -1 - value if isinstance(value, int) and 0 <= value < REGISTERS_MAX else writer.slot(node, value)


def _write_reg(generator, writer, node, target):
    registers, number = _registers(writer, node.args[0]), _register_number(writer, node.args[1])
    writer.write(c.CODE_WRITE_REG, registers, number, writer.number(node.args[2]))
    return 0


def _count(kind, op, step, is_read=False):
    """atomic_inc and the like. R: what it was before, or with a test whether it is 0 now."""

    def write(generator, writer, node, target):
        writer.write(op, target, address_of(writer, node.args[0], kind), step)
        return Local(slot=target) if is_read else 0

    return write


def _dec_and_test(generator, writer, node, target):
    writer.write(c.CODE_FETCH_ADD, target, object_of(generator, writer, node), -1)
    return writer.operate(node, c.CODE_EQ, Local(slot=target), 1, target)


def _atomic_set(generator, writer, node, target):
    address = address_of(writer, node.args[0], "atomic")
    writer.write(c.CODE_STORE, address, writer.number(node.args[1]))
    return 0


WRITERS = {
    "usleep_range": _usleep_range, "msleep": _msleep, "msecs_to_jiffies": _to_jiffies,
    "local_irq_save": _irqs_save, "local_irq_restore": _irqs_restore,
    "spin_lock_irqsave": _lock_irqsave, "raw_spin_lock_irqsave": _lock_irqsave,
    "spin_unlock_irqrestore": _unlock_irqrestore, "raw_spin_unlock_irqrestore": _unlock_irqrestore,
    "raise_softirq": _raise, "raise_softirq_irqoff": _raise,
    "from_tasklet": _container, "from_timer": _container, "container_of": _container,
    "kfree": _constant(0), "kmalloc": _kmalloc, "copy_to_user": _constant(0), "copy_from_user": _constant(0),
    "ktime_get": _into(c.CODE_CLOCK), "smp_processor_id": _into(c.CODE_CPU_NUMBER),
    "read_reg": _read_reg, "write_reg": _write_reg,
    "atomic_inc": _count("atomic", c.CODE_FETCH_ADD, 1), "atomic_dec": _count("atomic", c.CODE_FETCH_ADD, -1),
    "atomic_read": _count("atomic", c.CODE_FETCH_ADD, 0, True), "atomic_dec_and_test": _dec_and_test, "atomic_set": _atomic_set,
    "this_cpu_inc": _count("percpu", c.CODE_FETCH_ADD_PERCPU, 1),
    "this_cpu_read": _count("percpu", c.CODE_FETCH_ADD_PERCPU, 0, True),
}  # fmt: skip
WRITERS |= timingcalls.WRITERS | registercalls.WRITERS | waitcalls.WRITERS | workcalls.WRITERS | napicalls.WRITERS
