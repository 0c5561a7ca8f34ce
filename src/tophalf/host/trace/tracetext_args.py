"""What an event says in text: the arguments behind `name:` in tracefs `trace`, and as `trace-cmd report` prints them.

Three dialects meet: the kernel's own print formats, trace-cmd's plugins (sched_switch as `a:1 [120] S ==> b:2 [120]`) and
trace-cmd's raw fields (`-R`). Source: include/trace/events/*.h TP_printk; plugins of libtraceevent.
"""

import re

from tophalf import vocab

_SWITCH = (
    r"prev_comm=(?:.*) prev_pid=(?:-?\d+) prev_prio=(?:-?\d+) prev_state=(?P<state>\S+) (?:==> )?"
    r"next_comm=(?P<name>.*) next_pid=(?P<a>\d+) next_prio=(?P<c>-?\d+)"
)
_SWITCH_PLUGIN = r".*:\d+ \[-?\d+\] (?P<old_state>\S+) ==> (?P<name>.*):(?P<a>\d+) \[(?P<c>-?\d+)\]"
_WAKE = r"comm=(?P<name>.*) pid=(?P<a>\d+) prio=(?P<c>-?\d+) (?:success=\d+ )?target_cpu=(?P<b>\d+)"
_WAKE_PLUGIN = r"(?P<name>.*):(?P<a>\d+) \[(?P<c>-?\d+)\](?: success=\d+)?(?: CPU:(?P<b>\d+))?"
_WORK = r"work(?: struct)?[ =](?P<pointer>[^\s:]+):?(?: function[ =](?P<function>\S+))?"
_NAPI = (
    r"napi poll on napi struct (?P<pointer>\S+) for device (?P<name>\S+)(?: work (?P<b>-?\d+) budget (?P<c>-?\d+))?"
    r"|napi=(?P<pointer2>\S+) dev_name=(?P<name2>\S+)(?: work=(?P<b2>-?\d+) budget=(?P<c2>-?\d+))?"
)
_VEC = r"vec=(?P<a>\d+)"

# Event: (kind, patterns). Groups are named by the column they fill, or by what has to be made of them first.
_EVENTS = {
    "irq_handler_entry": (vocab.IRQ_HANDLER_ENTRY, r"irq=(?P<a>-?\d+) name=(?P<name>.*)"),
    "irq_handler_exit": (vocab.IRQ_HANDLER_EXIT, r"irq=(?P<a>-?\d+) ret=(?P<handled>\w+)"),
    "softirq_raise": (vocab.SOFTIRQ_RAISE, _VEC),
    "softirq_entry": (vocab.SOFTIRQ_ENTRY, _VEC),
    "softirq_exit": (vocab.SOFTIRQ_EXIT, _VEC),
    "tasklet_entry": (vocab.TASKLET_ENTRY, r"(?:tasklet=(?P<pointer>\S+) )?func(?:tion)?=(?P<function>\S+)"),
    "tasklet_exit": (vocab.TASKLET_EXIT, r"(?:tasklet=(?P<pointer>\S+) )?func(?:tion)?=(?P<function>\S+)"),
    "napi_poll": (vocab.NAPI_POLL, _NAPI),
    "workqueue_queue_work": (
        vocab.WORKQUEUE_QUEUE_WORK, _WORK + r" workqueue=(?P<name>.*) req_cpu=-?\d+ cpu=(?P<c>-?\d+)",
    ),
    "workqueue_activate_work": (vocab.WORKQUEUE_ACTIVATE_WORK, _WORK),
    "workqueue_execute_start": (vocab.WORKQUEUE_EXECUTE_START, _WORK),
    "workqueue_execute_end": (vocab.WORKQUEUE_EXECUTE_END, _WORK),
    "sched_switch": (vocab.SCHED_SWITCH, _SWITCH, _SWITCH_PLUGIN),
    "sched_wakeup": (vocab.SCHED_WAKEUP, _WAKE, _WAKE_PLUGIN),
    "sched_waking": (vocab.SCHED_WAKING, _WAKE, _WAKE_PLUGIN),
}  # fmt: skip
_VECTOR = re.compile(r"vector=(?P<a>-?\d+)$", re.ASCII)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{1,16}$")
_POINTER = re.compile(r"(?:0x)?[0-9a-fA-F]{8,16}$")

# Task states as the kernel prints them (fs/proc/array.c task_state_array; "+": preempted, TASK_REPORT_MAX) ...
_STATES = {"R": 0, "S": 1, "D": 2, "T": 4, "t": 8, "X": 16, "Z": 32, "P": 64, "I": 128}
_PREEMPTED = 0x100
_HANDLED = {"handled": 1, "unhandled": 0}
# ... and by libtraceevent's plugin, which knows the letters of an older kernel and no "+"
_OLD_STATES = {"R": 0, "S": 1, "D": 2, "T": 4, "t": 8, "Z": 16, "X": 32, "x": 64, "W": 128}


class Arguments:
    """Reads the arguments of events. functions: symbols.NamedFunctions, which gets the functions that text names."""

    def __init__(self, functions):
        self.functions = functions
        self._patterns = {name: (kind, [re.compile(text, re.ASCII) for text in texts]) for name, (kind, *texts) in _EVENTS.items()}

    def read(self, event, text):
        """(kind, a, b, c, name or None) of an event, or None for one that tophalf does not interpret or cannot read."""
        kind, patterns = self._patterns.get(event, (None, ()))
        for pattern in patterns:
            match = pattern.match(text)
            if match:
                return self._values(kind, match.groupdict())
        if kind is None and event.endswith(("_entry", "_exit")) and (match := _VECTOR.match(text)):
            stem, _, end = event.rpartition("_")
            return (vocab.VECTOR_ENTRY if end == "entry" else vocab.VECTOR_EXIT), _signed(_integer(match["a"])), 0, 0, stem
        return None

    def _values(self, kind, found):
        found = {name.rstrip("2"): text for name, text in found.items() if text is not None}
        a, b, c = (_integer(found.get(column, "0")) for column in "abc")
        if "pointer" in found:
            a = self._pointer(found["pointer"])
        if "function" in found:
            b = self._function(found["function"])
        if "handled" in found:  # all that text says of ret: IRQ_WAKE_THREAD (2) also prints "handled"
            b = _HANDLED.get(found["handled"]) if found["handled"] in _HANDLED else _number(found["handled"]) or 0
        state = found.get("state", found.get("old_state"))
        if state is not None:
            b = _task_state(state, _STATES if "state" in found else _OLD_STATES)
        return kind, _signed(a), _signed(b), _signed(c << 32) >> 32, found.get("name")

    def _pointer(self, text):
        return int(text, 16) if _POINTER.match(text) else self.functions.number(text)

    def _function(self, text):
        return int(text, 16) if _ADDRESS.match(text) else self.functions.number(text)


def _task_state(text, letters):
    value = _number(text)
    if value is None:
        value = sum(letters.get(letter, 0) for letter in set(text.rstrip("+").split("|")))
        value |= _PREEMPTED if text.endswith("+") else 0
    return value


def _integer(text):
    return int(text[:20])  # more digits than 64 bits have are damage; thousands of them would be an error of Python's


def _number(text):
    try:
        return int(text[:20], 0)
    except ValueError:
        return None


def _signed(value):
    """The same 64 bits as the int64 that the column holds."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
