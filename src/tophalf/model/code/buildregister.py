"""What drivers register, laid out before the run, by probe or for a call that comes while the driver runs."""

from tophalf.driver.api import CONSTANTS
from tophalf.model.check.buildwatch import watched_handler, watched_run
from tophalf.model.code import codeops as c
from tophalf.model.code import waitops as w
from tophalf.model.code.objects import Object
from tophalf.model.ground.program import Assembler
from tophalf.model.work import workfields as g
from tophalf.model.work.buildwork import add_workqueue

COMM_SIZE = 15
WQ_FLAGS = ("WQ_BH", "WQ_UNBOUND", "WQ_FREEZABLE", "WQ_MEM_RECLAIM", "WQ_HIGHPRI", "WQ_CPU_INTENSIVE", "WQ_SYSFS",
            "WQ_POWER_EFFICIENT", "WQ_PERCPU")  # fmt: skip


def identity(device):
    """What tells a device's action from others of its line (dev_id): an address of its own; 0 for None."""
    return device.identity if device else 0


def is_invalid(flags, device):
    """request_threaded_irq: flags that do not go together, a shared line without anybody to tell it by."""
    shared, cond = flags & CONSTANTS["IRQF_SHARED"], flags & CONSTANTS["IRQF_COND_SUSPEND"]
    if shared and (not device or flags & CONSTANTS["IRQF_NO_AUTOEN"]):
        return True
    return bool(cond and (not shared or flags & CONSTANTS["IRQF_NO_SUSPEND"]))


def irq_programs(generator, handler, thread, number, device):
    """[that of a line's handler, of its thread], each by the name of its function; None for none."""
    return [
        watched_handler(generator, handler, number, device) if handler else None,
        generator.entry(thread, (number, device)) if thread else None,
    ]


def run_program(generator, obj, function):
    """That of a tasklet or a work."""
    return watched_run(generator.builder, obj, generator.entry(function, (obj,)))


def add_kthread(generator, function, device, name):
    """A task that runs function(device), and can be stopped. Returns (its address, that of its program)."""
    builder, code = generator.builder, Assembler()
    code.label("thread")
    code(w.CODE_KTHREAD_BEGIN, "end")
    code(c.CODE_CALL, generator.entry(function, (device,)), 0, 0)
    code.label("end")
    code(w.CODE_KTHREAD_EXIT)
    program = builder.program(code)["thread"]
    return builder.task(name[:COMM_SIZE], 0, program, kernel_thread=True), program


def own_workqueue(generator, name, flags, max_active=0, ordered=False):
    """alloc_workqueue, by the API's flags: an Object, of each name one. Raises: TophalfError for what the kernel refuses."""
    if name in generator.made:
        return generator.made[name]
    modelled = g.WQ_UNBOUND | g.WQ_ORDERED if ordered else 0
    for flag in WQ_FLAGS:
        if flags & CONSTANTS[flag]:
            modelled |= getattr(g, flag)
    queue = add_workqueue(generator.builder, name, modelled, max_active)
    generator.made[name] = Object("workqueue", name, None, queue)
    return generator.made[name]
