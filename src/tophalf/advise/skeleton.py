"""The skeleton of a driver for an answer: `skeletonc` and `skeletonpy` filled in. Leaves out: what is not about deferring."""

from tophalf.advise import skeletonc, skeletonpy
from tophalf.advise.limits import SOFTIRQ_WORK_NS, THREAD_WORK_NS, WQ_PERCPU_SINCE
from tophalf.advise.mechanisms import ABOUT, SOFTIRQ
from tophalf.advise.needs import BLOCK


def c_skeleton(needs, mechanism):
    """The kernel's C, the text of a file that compiles."""
    text = skeletonc.CORE if needs.core and mechanism == SOFTIRQ else skeletonc.SKELETONS[mechanism]
    sleeping = {"INCLUDE": skeletonc.SLEEPING_INCLUDE, "FIELD": skeletonc.SLEEPING_FIELD}
    more = sleeping if needs.sleeps else dict.fromkeys(sleeping, "")
    return _filled(text, needs, mechanism, skeletonc, more | skeletonc.spelled(needs.kernel))


def python_skeleton(needs, mechanism):
    """A driver for `tophalf lint`, a text."""
    return _filled(skeletonpy.head() + skeletonpy.SKELETONS[mechanism], needs, mechanism, skeletonpy, {})


def _filled(text, needs, mechanism, language, more):
    title = "BLOCK: by the block layer" if mechanism == SOFTIRQ and not needs.core else f"{mechanism}: {ABOUT[mechanism].what}"
    values = {
        "TITLE": title[0].upper() + title[1:],
        "WORK_NS": f"{min(needs.work_ns, SOFTIRQ_WORK_NS) if mechanism == SOFTIRQ else needs.work_ns:_}",
        "BODY": language.SLEEPING if needs.sleeps else language.AWAKE,
        "INIT": language.INIT_LOCK if needs.sleeps else "",
        "FLAGS": workqueue_flags(needs),
    } | more
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def workqueue_flags(needs):
    """alloc_workqueue's flags: of the CPU's own where each works for itself, unbound where a long item may run anywhere."""
    if needs.device == BLOCK:
        flags = "WQ_MEM_RECLAIM"  # memory is freed by writing to it: it needs a rescuer
    elif not needs.per_cpu:
        return "WQ_UNBOUND"
    else:
        flags = "WQ_CPU_INTENSIVE" if needs.work_ns > THREAD_WORK_NS else "WQ_HIGHPRI" if needs.latency_ns is not None else "0"
    if needs.kernel < WQ_PERCPU_SINCE:
        return flags
    return "WQ_PERCPU" if flags == "0" else f"WQ_PERCPU | {flags}"
