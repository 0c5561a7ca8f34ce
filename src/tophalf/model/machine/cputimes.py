"""/proc/stat of a simulated machine: where its CPUs' time went, as its kernel knows it.

fs/proc/stat.c show_stat. Without irq time accounting (Debian's kernels; the default) user, nice, system and softirq are counted
by ticks (`cputime`), each worth a whole tick; interrupts' time is in what the next tick finds, and where no tick comes in no column
at all. idle is exact where the tick stops in idle (get_cpu_idle_time_us), else ticks too. With irq time accounting hardirqs and
softirqs are timed: then all columns are exact, but that user and system share a task's time as the ticks saw them. Left out: steal,
guest, iowait.
"""

from tophalf.model import fields as f
from tophalf.snapshot import Stat
from tophalf.vocab import SOFTIRQS

USER_HZ_NS = 10_000_000


def read_stat(sight):
    """Stat of the CPUs that are online."""
    cpus = sight.builder.cpus
    softirqs = {name: sum(sight[cpu + f.C_SOFTIRQS + vector] for cpu in cpus) for vector, name in enumerate(SOFTIRQS)}
    return Stat(
        ticks={number: cpu_ticks(sight, cpus[number]) for number in sight.online},
        context_switches=sum(sight[cpu + f.C_SWITCHES] for cpu in cpus), interrupts=sight[f.G_INTERRUPTS], softirqs=softirqs,
    )  # fmt: skip


def cpu_ticks(sight, cpu):
    """The ten columns of a CPU, in ticks of USER_HZ."""
    times = _accounted(sight, cpu) if sight.about.get("irq_time_accounting") else _sampled(sight, cpu)
    return tuple(times.get(column, 0) // USER_HZ_NS for column in range(10))


def _sampled(sight, cpu):
    times = {column: sight[cpu + f.C_TICKS + column] * sight[f.G_HZ_NS] for column in range(f.TICK_COLUMNS)}
    if sight[f.G_NOHZ]:
        times[f.TICK_IDLE] = sight[cpu + f.C_TIMES + f.IDLE]
    return times


def _accounted(sight, cpu):
    times = {part: sight[cpu + f.C_TIMES + part] for part in range(f.CLASSES)}
    found = {column: sight[cpu + f.C_TICKS + column] for column in (f.TICK_USER, f.TICK_NICE, f.TICK_SYSTEM)}
    tasks = f.TICK_SYSTEM if found[f.TICK_SYSTEM] and not found[f.TICK_USER] + found[f.TICK_NICE] else f.TICK_USER
    shared = {column: times[f.TASK] * count // sum(found.values()) for column, count in found.items() if sum(found.values())}
    shared[tasks] = shared.get(tasks, 0) + times[f.TASK] - sum(shared.values())
    shared[f.TICK_SYSTEM] = shared.get(f.TICK_SYSTEM, 0) + times[f.IRQ_THREAD] + times[f.KWORKER]
    return {
        **shared, f.TICK_IDLE: times[f.IDLE], f.TICK_IRQ: times[f.HARDIRQ], f.TICK_SOFTIRQ: times[f.SOFTIRQ] + times[f.KSOFTIRQD],
    }  # fmt: skip
