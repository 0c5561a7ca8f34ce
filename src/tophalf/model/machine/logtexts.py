"""The kernel log of a simulated machine: lines about interrupts in the kernel's words, as a reader of dmesg keeps them.

kernel/irq/spurious.c __report_bad_irq (without its stack dump), note_interrupt; kernel/irq/cpuhotplug.c migrate_one_irq;
kernel/sched/core.c select_fallback_rq; kernel/irq/manage.c __enable_irq. What a kernel says of CPUs that go and come is no line
about interrupts, and one about a line's mask that was broken is said for debugging only.
"""

from tophalf.model import fields as f
from tophalf.model.check.reports import Case, report_of
from tophalf.model.ground.kmsg import (
    LOG_ALREADY_FREE,
    LOG_DRIVER,
    LOG_FLAGS_MISMATCH,
    LOG_NO_HANDLER,
    LOG_NOBODY_CARED,
    LOG_SET_AFFINITY_FAILED,
    LOG_SIZE,
    LOG_TASK_AFFINITY_BROKEN,
    LOG_UNBALANCED_ENABLE,
)
from tophalf.model.irq.managefields import ENOSPC
from tophalf.snapshot import LogLine


def read_log(sight):
    """A tuple of LogLine, oldest first."""
    found = []
    for index in range(sight[f.G_LOG_COUNT]):
        line = sight[f.G_LOG] + index * LOG_SIZE
        said = texts(sight, *(sight[line + word] for word in range(1, LOG_SIZE)))
        found += [LogLine(time_us=sight[line] // 1000, text=text) for text in said]
    return tuple(found)


def texts(sight, cpu, what, about):
    """Lines that the kernel prints for an entry of the model's log; [] for what it does not print, or not of interrupts."""
    if what == LOG_NOBODY_CARED:
        return _nobody_cared(sight, about)
    if what == LOG_TASK_AFFINITY_BROKEN:
        return [f"process {sight[about + f.K_PID]} ({sight.text(about + f.K_NAME)}) no longer affine to cpu{cpu}"]
    if what == LOG_DRIVER:
        return [report_of(Case(sight.world, about)).title]
    if what == LOG_SET_AFFINITY_FAILED:
        return [f"IRQ{about}: set affinity failed(-{ENOSPC})."]
    if what == LOG_UNBALANCED_ENABLE:
        return [f"Unbalanced enable for IRQ {about}"]
    return _of_requests(sight, what, about)


def _of_requests(sight, what, about):
    """kernel/irq/manage.c __setup_irq, __free_irq."""
    if what == LOG_ALREADY_FREE:
        return [f"Trying to free already-free IRQ {about}"]
    if what not in (LOG_FLAGS_MISMATCH, LOG_NO_HANDLER):
        return []
    number, name = sight[sight[about + f.A_IRQ] + f.D_IRQ], sight.text(about + f.A_NAME)
    if what == LOG_NO_HANDLER:
        return [f"genirq: Threaded irq requested with handler=NULL and !ONESHOT for {name} (irq {number})"]
    old = sight[about + f.A_OTHER]
    flags = f"{sight[about + f.A_FLAGS]:08x} ({name}) vs. {sight[old + f.A_FLAGS]:08x} ({sight.text(old + f.A_NAME)})"
    return [f"genirq: Flags mismatch irq {number}. {flags}"]


def _nobody_cared(sight, number):
    handlers = [_handler(sight, action) for action in sight.actions(sight.lines[number])]
    return [
        f'irq {number}: nobody cared (try booting with the "irqpoll" option)', "handlers:", *handlers, f"Disabling IRQ #{number}"
    ]  # fmt: skip


def _handler(sight, action):
    name = sight.text(action + f.A_NAME)
    driver = name.partition("-")[0]
    threaded = f" threaded [<{sight[action + f.A_THREAD]:016x}>] {driver}_thread" if sight[action + f.A_THREAD] else ""
    return f"[<{sight[action + f.A_HANDLER]:016x}>] {driver}_interrupt [{driver}]{threaded}"
