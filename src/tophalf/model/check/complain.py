"""What a kernel would warn of while drivers run: kept with the context it was seen in, and the run goes on.

As WARN_ONCE, but for each place: the first complaint of a kind at a place is kept with time, stack and locks, more are counted.
Who complains gives the kind (`checkkinds`), the place (most often the address of the instruction, `here`) and two words that the
kind's text needs. `reports` puts it into words, the log of the machine (`machine.logtexts`) has its title. Worlds without drivers
keep nothing. What ends the run is `crash`.
"""

from tophalf.model.check.checkfields import (
    CK_COUNT,
    CK_FIRST,
    CK_LOST,
    CK_MAX,
    FRAME_ARG,
    FRAME_KIND,
    FRAME_PC,
    FRAME_VECTOR,
    FRAME_WORDS,
    HD_CHECKS,
    HD_DEPTH,
    HD_LOCKS,
    HELD_SIZE,
    HELD_TOLD,
    RE_ABOUT,
    RE_COUNT,
    RE_CPU,
    RE_FRAMES,
    RE_HELD,
    RE_IRQS_OFF,
    RE_KIND,
    RE_OTHER,
    RE_PLACE,
    RE_PREEMPT,
    RE_STACK,
    RE_TASK,
    RE_TIME,
)
from tophalf.model.check.checkkinds import FACTS_FROM, FREED
from tophalf.model.code.codefields import LOCALS_EACH, LOCALS_MAX
from tophalf.model.fields import (
    C_CURRENT,
    C_FRAME,
    C_IRQS_OFF,
    C_NUMBER,
    C_PREEMPT_COUNT,
    F_ARG,
    F_KIND,
    F_PC,
    F_R4,
    FRAME_SIZE,
    FRAMES_MAX,
    G_NOW,
    K_CPU,
    K_FRAME,
    K_LOCALS,
    K_PREEMPT_COUNT,
    K_STACK,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.kmsg import LOG_DRIVER, log
from tophalf.model.ops import STRIDE

COMPLAINT_SIZE = RE_STACK + FRAMES_MAX * FRAME_WORDS + HELD_TOLD * HELD_SIZE


@inlined
def held_of(m, task):
    """Where what a task holds lies."""
    return m[task + K_LOCALS] + LOCALS_EACH * (task + K_STACK) + FRAMES_MAX * LOCALS_MAX


@inlined
def here(m, frame):
    """The address of the instruction that a frame does."""
    return m[frame + F_PC] - STRIDE


@compiled
def complain(m, cpu, kind, place, about, other):
    """About what the task that runs on a CPU, or an interrupt over it, does now."""
    task = m[cpu + C_CURRENT]
    complaint = complaint_of(m, task, kind, place)
    if complaint:
        keep(m, cpu, complaint, task, m[cpu + C_FRAME], about, other)
        m[complaint + RE_PREEMPT] = m[cpu + C_PREEMPT_COUNT]
        m[complaint + RE_IRQS_OFF] = m[cpu + C_IRQS_OFF]
        if kind < FACTS_FROM and kind != FREED:  # of that the kernel's own routines say what they say
            log(m, cpu, LOG_DRIVER, complaint)


@compiled
def complain_of_task(m, task, kind, place, about, other):
    """About a task that does not run: as it was when it was switched out."""
    complaint = complaint_of(m, task, kind, place)
    if complaint:
        cpu = m[task + K_CPU]
        keep(m, cpu, complaint, task, m[task + K_FRAME], about, other)
        m[complaint + RE_PREEMPT] = m[task + K_PREEMPT_COUNT]
        log(m, cpu, LOG_DRIVER, complaint)


@compiled
def complaint_of(m, task, kind, place):
    """Room for a complaint; 0 where there is one already, which is counted, or no room."""
    if m[task + K_LOCALS] == 0:
        return 0
    checks = m[held_of(m, task) + HD_CHECKS]
    complaint = m[checks + CK_FIRST]
    for _ in range(m[checks + CK_COUNT]):
        if m[complaint + RE_KIND] == kind and m[complaint + RE_PLACE] == place:
            m[complaint + RE_COUNT] += 1
            return 0
        complaint += COMPLAINT_SIZE
    if m[checks + CK_COUNT] == m[checks + CK_MAX]:
        m[checks + CK_LOST] += 1
        return 0
    m[checks + CK_COUNT] += 1
    m[complaint + RE_KIND] = kind
    m[complaint + RE_PLACE] = place
    m[complaint + RE_COUNT] = 1
    return complaint


@compiled
def keep(m, cpu, complaint, task, frame, about, other):
    """When and where it was, and what was held. frame: the topmost one."""
    m[complaint + RE_TIME] = m[G_NOW]
    m[complaint + RE_CPU] = m[cpu + C_NUMBER]
    m[complaint + RE_TASK] = task
    m[complaint + RE_ABOUT] = about
    m[complaint + RE_OTHER] = other
    source, target, count = task + K_STACK, complaint + RE_STACK, 0
    while source <= frame:
        m[target + FRAME_PC] = m[source + F_PC]
        m[target + FRAME_KIND] = m[source + F_KIND]
        m[target + FRAME_ARG] = m[source + F_ARG]
        m[target + FRAME_VECTOR] = m[source + F_R4]
        source += FRAME_SIZE
        target += FRAME_WORDS
        count += 1
    m[complaint + RE_FRAMES] = count
    keep_locks(m, complaint, held_of(m, task))


@compiled
def keep_locks(m, complaint, held):
    count = min(m[held + HD_DEPTH], HELD_TOLD)
    source = held + HD_LOCKS + (m[held + HD_DEPTH] - count) * HELD_SIZE
    target = complaint + RE_STACK + FRAMES_MAX * FRAME_WORDS
    for word in range(count * HELD_SIZE):
        m[target + word] = m[source + word]
    m[complaint + RE_HELD] = count
