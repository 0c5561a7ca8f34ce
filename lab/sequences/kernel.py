"""A sequence as the order that labseq plays (lab/labseq/labseq.c says the form)."""

from lab.sequences.language import KINDS, OPS

WQ_FLAGS = {"WQ_BH": 1 << 0, "WQ_UNBOUND": 1 << 1, "WQ_FREEZABLE": 1 << 2, "WQ_MEM_RECLAIM": 1 << 3, "WQ_HIGHPRI": 1 << 4,
            "WQ_CPU_INTENSIVE": 1 << 5, "WQ_SYSFS": 1 << 6}  # include/linux/workqueue.h
QUEUES = {None: 0, "system": 1, "highpri": 2, "unbound": 3, "bh": 4, "bh_highpri": 5, "ordered": 6}
SET_LINE, SET_TASK, SET_QUEUE, SET_WORK, SET_SETTLE_MS, SET_POLL = range(6)
LINE_INTX, LINE_THREADED, LINE_ONESHOT, LINE_DEFAULT = 1, 2, 4, 8


def order(sequence):
    """The text to write into labseq's parameter `play`."""
    lines = [f"c {SET_SETTLE_MS} 0 {sequence.settle_ms}"]
    for part in sequence.parts:
        lines += SETTINGS.get(part.kind, lambda part: ())(part)
        if part.program is not None:
            lines.append(f"p {KINDS.index(part.kind)} {part.index}")
            lines += [f"o {OPS.index(name)} {a} {b}" for name, a, b in part.program]
    return "\n".join(lines) + "\n"


def _line(part):
    given = part.settings
    flags = (given["intx"] * LINE_INTX | given["threaded"] * LINE_THREADED | given["oneshot"] * LINE_ONESHOT
             | given["default"] * LINE_DEFAULT)  # fmt: skip
    return [f"c {SET_LINE} {part.index} {given['cpu']} {flags}"]


def _task(part):
    given = part.settings
    return [f"c {SET_TASK} {part.index} {given['cpu']} {given['priority']} {int(given['asleep'])}"]


def _queue(part):
    given = part.settings
    flags = sum(WQ_FLAGS[name] for name in given["flags"])
    return [f"c {SET_QUEUE} {part.index} {QUEUES[given['system']]} {flags} {given['max_active']}"]


def _work(part):
    return [f"c {SET_WORK} {part.index} {part.settings['queue']}"]


def _napi(part):
    return [f"c {SET_POLL} {part.index} {count}" for count in part.settings["finds"]]


SETTINGS = {"line": _line, "napi": _napi, "task": _task, "workqueue": _queue, "work": _work}
