"""[[task]] into tasks that compute, enter the kernel and sleep in turn."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.softirq.vectorops import OP_CALL_RCU


def add(builder, scenario, entry):
    """One task on each of its CPUs. Raises: TophalfError for one that would go round without time passing."""
    if not entry.sleep and all(cost is None or cost[1] == 0 for cost in (entry.run, entry.syscall, entry.fault)):
        raise TophalfError("a task that takes no time never lets time pass", entry.where("run"), "give it run or sleep")
    if entry.call_rcu and scenario.one("softirqs").rcu_core is None:
        raise TophalfError("nobody invokes callbacks of RCU", entry.where("call_rcu"), "say what softirqs.rcu_core takes")
    for cpu in entry.cpus if entry.cpus is not None else range(scenario.one("machine").cpus):
        policy, priority = (f.FIFO, entry.fifo) if entry.fifo else (f.FAIR, entry.nice)
        builder.task(entry.name, cpu, _program(builder, entry, cpu), policy=policy, priority=priority)


def _program(builder, entry, cpu):
    code, who = Assembler(), f"{entry.name} on {cpu} {len(builder.tasks)}"
    code.label("start")
    code(ops.OP_SPEND, builder.cost(entry.run, f"{who} runs"))
    for op, cost, label in ((ops.OP_SYSCALL, entry.syscall, "syscall"), (ops.OP_FAULT, entry.fault, "fault")):
        if cost is not None:
            code(op, label)
    if entry.call_rcu:
        code(OP_CALL_RCU, entry.call_rcu)
    if entry.sleep:
        code(ops.OP_SLEEP, entry.sleep)
    code(ops.OP_JUMP, "start")
    for cost, label in ((entry.syscall, "syscall"), (entry.fault, "fault")):
        if cost is not None:
            code.label(label)
            code(ops.OP_SPEND, builder.cost(cost, f"{who} {label}"))
            code(ops.OP_RET)
    return builder.program(code)["start"]
