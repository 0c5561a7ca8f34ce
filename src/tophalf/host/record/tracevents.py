"""Which kernel events are recorded, with the filters that keep the scheduler's to what interrupts have to do with.

Source: include/trace/events/{irq,napi,workqueue,sched}.h, arch/x86/include/asm/trace/irq_vectors.h; filter language:
Documentation/trace/events.rst.
"""

import os

DEFAULT_EVENTS = (
    "irq", "napi:napi_poll", "workqueue", "irq_vectors", "sched:sched_switch", "sched:sched_wakeup",
)  # fmt: skip

# Threads that run interrupt work, by the names the kernel gives them.
THREADS = ("ksoftirqd/*", "irq/*", "kworker/*", "ktimers/*", "rcuc/*", "napi/*")

# The timer interrupt comes HZ times a second on every busy CPU; on a large machine that alone would be millions of events.
LOCAL_TIMER_CPUS_MAX = 64

# common_flags (enum trace_flag_type): 0x08 in a hardirq, 0x10 in a softirq.
_WAKEUP_FROM_INTERRUPT = "common_flags & 24"

# prev_state 0: preempted, as by the tick or by a wakeup from an interrupt (0x100 is the "+" of a preempted sleeper);
# prev_pid 0: the idle task gave way, which only a wakeup does. Left out: tasks that sleep or yield to each other by themselves.
_SWITCH_AFTER_INTERRUPT = "prev_state == 0 || prev_state & 256 || prev_pid == 0"


def event_filter(system, event):
    """The filter an event gets when nobody asked for all of it, or None."""
    if system != "sched":
        return None
    if event == "sched_switch":
        return " || ".join([_any_thread("prev_comm"), _any_thread("next_comm"), _SWITCH_AFTER_INTERRUPT])
    if event in ("sched_wakeup", "sched_waking"):
        return " || ".join([_any_thread("comm"), _WAKEUP_FROM_INTERRUPT])
    return None


def _any_thread(field):
    return " || ".join(f'{field} ~ "{pattern}"' for pattern in THREADS)


def parse_events(text):
    """The events of `--events`: names SYSTEM or SYSTEM:EVENT by commas. `+` in front adds to the default ones.

    Returns a tuple of (name, whole): whole events are asked for by name and not filtered.
    """
    default = tuple((name, False) for name in DEFAULT_EVENTS)
    if not text:
        return default
    adds = text.startswith("+")
    asked = tuple((name.strip().replace("/", ":"), True) for name in text.lstrip("+").split(",") if name.strip())
    # a name asked for comes last and so replaces the filtered default
    return default + asked if adds else asked


def choose_events(tracefs, asked, cpu_count):
    """What to enable of what the kernel has.

    asked: as from parse_events. Returns (chosen {(system, event): filter or None}, refused {name: why}).
    """
    chosen, refused = {}, {}
    for name, whole in asked:
        system, _, event = name.partition(":")
        have = _events_of(tracefs, system)
        if event and event != "*":
            have = [event] if event in have else []
        if not have:
            refused[name] = "this kernel has no such event"
        for each in have:
            if not whole and _overwhelming(system, each, cpu_count):
                refused[f"{system}:{each}"] = f"left out on more than {LOCAL_TIMER_CPUS_MAX} CPUs"
            else:
                chosen[system, each] = None if whole else event_filter(system, each)
    return chosen, refused


def _overwhelming(system, event, cpu_count):
    return system == "irq_vectors" and event.startswith("local_timer") and cpu_count > LOCAL_TIMER_CPUS_MAX


def _events_of(tracefs, system):
    if not system or "/" in system or system.startswith("."):
        return []
    folder = f"{tracefs}/events/{system}"
    try:
        return sorted(name for name in os.listdir(folder) if os.path.exists(f"{folder}/{name}/enable"))
    except OSError:
        return []
