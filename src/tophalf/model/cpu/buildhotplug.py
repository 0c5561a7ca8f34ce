"""What a machine needs whose CPUs go offline: the writer, and cpuhp/N and migration/N of each CPU. Others go without."""

from tophalf.model import fields as f
from tophalf.model.cpu.hotplugcode import hotplug_routines
from tophalf.model.irq import managefields as g

MIGRATION_PID, CPUHP_PID, PIDS_A_CPU = 14, 13, 7  # beside ksoftirqd/0's 15
STOP_PRIORITY = 100  # above all of FIFO: the stop class


def add_hotplug(builder):
    """Let CPUs go offline and come back (`manage.command`). More than once is as once."""
    m = builder.memory
    manage = m[f.G_MANAGE]
    if m[manage + g.M_HOTPLUG]:
        return
    hotplug = m[manage + g.M_HOTPLUG] = m.take(g.HOTPLUG_SIZE)
    routines = builder.program(hotplug_routines())
    m[hotplug + g.HP_START] = routines["start"]
    m[hotplug + g.HP_CSD + f.CSD_PROGRAM] = routines["dead"]
    m[hotplug + g.HP_RETRIGGER_CSD + f.CSD_PROGRAM] = routines["retrigger"]
    m[hotplug + g.HP_WRITER] = builder.task("bash", 0, routines["writer"], kernel_thread=True, asleep=True)
    for number, cpu in enumerate(builder.cpus):
        block = m[cpu + f.C_MANAGE]
        m[block + g.P_CPU] = cpu
        m[block + g.P_STOPPER] = _thread(
            builder, MIGRATION_PID, number, f"migration/{number}", routines["stopper"], f.FIFO, STOP_PRIORITY
        )
        m[block + g.P_CPUHP] = _thread(builder, CPUHP_PID, number, f"cpuhp/{number}", routines["cpuhp"], f.FAIR, 0)


def _thread(builder, pid, number, name, program, policy, priority):
    m = builder.memory
    task = builder._task(pid + PIDS_A_CPU * number, name, builder.cpus[number], program, f.TASK, policy, priority)
    m[task + f.K_FLAGS], m[task + f.K_STATE] = f.KERNEL_THREAD | f.PER_CPU_THREAD, f.SLEEPING
    return task
