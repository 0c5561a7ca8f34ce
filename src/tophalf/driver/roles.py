"""Which function of a driver runs where: who hands it to the kernel, and as what.

A function that nobody hands over and nobody calls is entered by a task: probe, remove, a system call.
"""

import ast

from tophalf.driver.api import CALLS, CONSTANTS, FUNCTIONS, HRTIMER_MODE_SOFT
from tophalf.driver.subset import calls_in, constant_value
from tophalf.frozen import Frozen

HARDIRQ, SOFTIRQ, TASK = "hardirq", "softirq", "task"
CONTEXTS = {"irq_handler": HARDIRQ, "irq_thread": TASK, "tasklet_fn": SOFTIRQ, "work_fn": TASK, "timer_fn": SOFTIRQ,
            "hrtimer_fn": HARDIRQ, "poll_fn": SOFTIRQ, "softirq_fn": SOFTIRQ, "thread_fn": TASK}  # fmt: skip
TITLES = {
    "irq_handler": "the handler of IRQ", "irq_thread": "the thread of IRQ", "tasklet_fn": "the tasklet", "work_fn": "the work",
    "timer_fn": "the timer", "hrtimer_fn": "the hrtimer", "poll_fn": "the poll of NAPI", "softirq_fn": "the softirq",
    "thread_fn": "the kthread",
}  # fmt: skip
BH_WORKQUEUES = ("system_bh_wq", "system_bh_highpri_wq")
QUEUEING = {"queue_work": 1, "queue_work_on": 2, "schedule_work": 0, "queue_delayed_work": 1, "schedule_delayed_work": 0,
            "mod_delayed_work": 1}  # fmt: skip  # function: which argument the work is
IRQ_KINDS = ("irq_handler", "irq_thread")


class Role(Frozen):
    """name: of the function; context; kind: of FUNCTIONS, or None; what: for people; line: where it is handed over, or None;
    object: the text of the IRQ, tasklet, work, ... that it belongs to, or None; flags: of request_irq, an int, or None."""

    __slots__ = ("name", "context", "kind", "what", "line", "object", "flags")


def roles_of(driver):
    """[Role] of a driver, in the order of its functions: every way that the kernel enters it."""
    found, queues = [], workqueues_of(driver)
    for call in kernel_calls(driver):
        for kind, argument in zip(CALLS[call.func.id].params, call.args, strict=True):
            if kind.rstrip("?") in FUNCTIONS and isinstance(argument, ast.Name) and argument.id in driver.functions:
                found += _handed_over(driver, call, kind.rstrip("?"), argument.id, queues)
    called = {name for function in driver.functions.values() for name in calls_in(function)}
    left = driver.functions.keys() - called - {role.name for role in found}
    found += [Role(name=name, context=TASK, what="a task") for name in left]
    order = {name: at for at, name in enumerate(driver.functions)}
    return sorted(found, key=lambda role: order[role.name])


def kernel_calls(driver):
    """Calls of the API with the right number of arguments, everywhere in a driver."""
    for function in driver.functions.values():
        for node in ast.walk(function):
            name = called_name(node)
            if name in CALLS and len(node.args) == len(CALLS[name].params):
                yield node


def called_name(node):
    """What a call calls by its plain name, else None."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _handed_over(driver, call, kind, name, queues):
    what = TITLES[kind]
    of = ast.unparse(call.args[0]) if call.func.id != "kthread_run" else None
    flags = constant_value(call.args[-3], driver.constants) if kind in IRQ_KINDS else None
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
    said = " ".join([what, *([of] if of else []), *(f'"{text}"' for text in texts)])
    role = Role(name=name, context=CONTEXTS[kind], kind=kind, what=said, line=call.lineno, object=of, flags=flags)
    if kind == "hrtimer_fn" and (constant_value(call.args[-1], driver.constants) or 0) & HRTIMER_MODE_SOFT:
        return [role.replace(context=SOFTIRQ)]
    if kind != "work_fn":
        return [role]
    contexts = {SOFTIRQ if is_bh(queue, queues) else TASK for queue in queued_on(driver, of)} or {TASK}
    return [role.replace(context=context, what=said if context == TASK else f"{said} on a BH workqueue") for context in contexts]


def queued_on(driver, work):
    """Texts of the workqueues that a work is queued on; system_wq for schedule_work."""
    found = set()
    for call in kernel_calls(driver):
        if call.func.id in QUEUEING and class_of(call.args[QUEUEING[call.func.id]]) == _name(work):
            queues = [each for kind, each in zip(CALLS[call.func.id].params, call.args, strict=True) if kind == "workqueue"]
            found |= {ast.unparse(queue) for queue in queues} or {"system_wq"}
    return found


def workqueues_of(driver):
    """{text of a workqueue: its flags} for those that the driver makes."""
    found = {}
    for function in driver.functions.values():
        for node in ast.walk(function):
            made_by = called_name(node.value) if isinstance(node, ast.Assign) else None
            if made_by in ("alloc_workqueue", "alloc_ordered_workqueue") and len(node.value.args) > 1:
                found[class_of(node.targets[0])] = constant_value(node.value.args[1], driver.constants)
    return found


def is_bh(queue, queues):
    flags = queues.get(_name(queue))
    return queue in BH_WORKQUEUES or bool(flags and flags & CONSTANTS["WQ_BH"])


def cancels_bh_work(driver, call):
    """Whether a call takes back a work that is queued on BH workqueues only, which is waited for busily (__cancel_work_sync)."""
    if called_name(call) not in ("cancel_work_sync", "cancel_delayed_work_sync"):
        return False
    queues, made = queued_on(driver, ast.unparse(call.args[0])), workqueues_of(driver)
    return bool(queues) and all(is_bh(queue, made) for queue in queues)


def class_of(node):
    """What an object is called whatever the name of its device: dev.work and port.work are of one class, as in lockdep."""
    return _name(ast.unparse(node))


def _name(text):
    return text.rsplit(".", 1)[-1]
