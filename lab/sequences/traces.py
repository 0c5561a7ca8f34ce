"""What a sequence did, as lines that a kernel's trace and the model's have in common.

A line is "CPU WHO CONTEXT EVENT ARGUMENTS": WHO was current, CONTEXT is as in the trace's latency format: d interrupts
off, b bottom halves off, D both; h in a hardirq, s in a softirq, H in a hardirq inside a softirq. What does not belong to the
sequence is left out by rule (`owned`): ticks, RCU, the load balancer, other tasks' switches, work of others.
"""

import difflib
import re

from tophalf import vocab
from tophalf.vocab import SOFTIRQ_RESTART_MAX

LINE = re.compile(r"^\s*(?P<comm>.*)-\d+\s+\[(?P<cpu>\d+)\]\s+(?P<flags>\S+)\s+(?P<time>[\d.]+): (?P<event>\w+): (?P<args>.*)$")
BEGIN, END = "labseq begin", "labseq end"
NEVER_OWNED = ("TIMER", "SCHED", "HRTIMER", "RCU")


class Event:
    """One event: time (only for order), cpu, who, context, name, text of the arguments."""

    def __init__(self, time, cpu, who, context, name, text):
        self.time, self.cpu, self.who, self.context, self.name, self.text = time, cpu, who, context, name, text

    def line(self):
        return f"{self.cpu} {self.who} {self.context} {self.name} {self.text}".rstrip()


def who_is(comm):
    """A task's name without its numbers, a kworker's whole name; None for one that is nobody's business."""
    if comm.startswith(("swapper/", "<idle>")):
        return "idle"
    if comm.startswith("seq-"):
        return comm[4:]
    if comm.startswith("ksoftirqd/"):
        return "ksoftirqd"
    if comm.startswith("kworker/"):
        return comm
    found = re.match(r"irq/\d+-(s-)?(seq\d)", comm)
    return f"irq/{found[2]}" if found else None


# A kernel's trace


def context_of(flags):
    """Of the five characters of the trace's second column."""
    return ("d" if flags[0] in "dD" else ".") + (flags[2] if flags[2] in "hsHzZ" else "b" if flags[0] in "bD" else ".")


def parse(text):
    """Events of a trace's text, in order of time: [(seconds, cpu, comm, flags, event, arguments)]."""
    rows = []
    for line in text.splitlines():
        found = LINE.match(line)
        if found:
            name = found["args"] if found["args"].startswith("labseq") else found["event"]
            rows.append((float(found["time"]), int(found["cpu"]), found["comm"].strip(), found["flags"], name, found["args"]))
    return rows


def runs_of(text):
    """{name of a sequence: [rows of each run]}: each begins with a mark "sequence NAME" and holds what is between the words."""
    runs, name, inside = {}, None, None
    for row in parse(text):
        if row[4] == "tracing_mark_write" and row[5].startswith("sequence "):
            name = row[5].split()[1]
        elif row[4] == BEGIN:
            inside = []
        elif row[4] == END and inside is not None:
            runs.setdefault(name, []).append(inside)
            inside = None
        elif inside is not None:
            inside.append(row)
    return runs


def _owned(row, actions):
    """(event's name, text) of what belongs to a sequence, or None. actions: handlers that run, by CPU; functions, by item."""
    _, cpu, _, _, event, args = row
    words = dict(re.findall(r"(\w+)=(\S+)", args))
    if event == "irq_handler_entry" and words["name"].startswith("seq"):
        actions[cpu] = words["name"]
        return event, words["name"]
    if event == "irq_handler_exit" and cpu in actions:
        return event, f"{actions.pop(cpu)} {words['ret']}"
    if event.startswith("softirq_"):
        vector = args.split("action=")[1].rstrip("]")
        return None if vector in NEVER_OWNED else (event, vector)
    if event.startswith("tasklet_") and "seq_tasklet" in args:
        return event, words["function"].split()[0]
    if event.startswith("workqueue_"):
        return _owned_work(event, args, words, actions)
    if event == "napi_poll" and "for device seq " in args:
        found = re.search(r"work (\d+) budget (\d+)", args)
        return event, f"work {found[1]} budget {found[2]}"
    if event == "sched_waking":
        who = who_is(args.split("comm=")[1].split(" pid=")[0])
        return None if who in (None, "idle") else (event, f"{who} to {int(words['target_cpu'])}")
    if event == "sched_switch":
        return _switch(args, words["prev_state"])
    return None


def _owned_work(event, args, words, functions):
    """An item's function, and where it was queued. 6.1 does not say the function of one that becomes active."""
    item = re.search(r"work struct[= ](\w+)", args)[1]
    found = re.search(r"function[= ](\w+)", args)
    function = functions[item] = found[1] if found else functions.get(item, "")
    if not function.startswith(("seq_work", "wq_barrier_func")):
        return None
    return event, function + (f" on {words['workqueue']} cpu {words['cpu']}" if "workqueue" in words else "")


def _switch(args, state):
    before, after = (who_is(args.split(f"{side}_comm=")[1].split(f" {side}_pid=")[0]) for side in ("prev", "next"))
    if {before, after} <= {None, "idle"}:
        return None
    return "sched_switch", f"{before or 'other'} {state[0]} {after or 'other'}"


def kernel_run(sequence, rows):
    """(events, disturbed) of one run: whether anything foreign came between its events on one of its CPUs."""
    events, foreign, actions = [], [], {}
    cpus = sequence.cpus()
    for row in rows:
        owned = _owned(row, actions) if row[1] in cpus else None
        if owned:
            events.append(Event(row[0], row[1], who_is(row[2]) or "other", context_of(row[3]), *owned))
        elif row[1] in cpus:
            foreign.append(row)
    events = workers_named(events, sequence.unbound)
    return events, not sequence.unbound and _is_disturbed(events, foreign, sequence)


def workers_named(events, unbound):
    """The workers of a sequence numbered as they come up, those of others as "other"; of unbound work only the items' events."""
    if unbound:
        items = [event for event in events if event.name.startswith("workqueue")]
        return [Event(event.time, "*", "-", "--", event.name, event.text.split(" cpu ")[0]) for event in items]
    own, before = {}, {}
    for event in events:
        worker = _own_worker(event, own, before.get(event.cpu, ""))
        if worker.startswith("kworker/"):
            own.setdefault(worker, f"kworker.{len(own) + 1}{'H' if worker.endswith('H') else ''}")
        before[event.cpu] = event.name
    return [renamed for event in events if (renamed := _renamed(event, own))]


def _own_worker(event, own, before):
    """The worker that an event shows to be one of the sequence's: it runs an item, or one of the sequence wakes it."""
    if event.name == "workqueue_execute_start":
        return event.who
    if event.name == "sched_waking" and (before.startswith("workqueue") or (event.who in own and event.context == "d.")):
        return event.text.split(" to ")[0]
    return ""


def _renamed(event, own):
    """An event with its sequence's names of workers; None for a switch or wakeup among others."""
    event.who = own.get(event.who, "other" if event.who.startswith("kworker/") else event.who)
    words = [own.get(word, "other" if word.startswith("kworker/") else word) for word in event.text.split(" ")]
    event.text = " ".join(words)
    if event.name == "sched_waking" and words[0] == "other":
        return None
    if event.name == "sched_switch" and {words[0], words[2]} <= {"other", "idle"}:
        return None
    return event


def _is_disturbed(events, foreign, sequence):
    """A tick, a softirq of others, another task's turn, one that runs because of something before, too slow to fall asleep."""
    if any(_shows_others(event, sequence.timers) for event in events) or _was_awake(events):
        return True
    if sequence.timers:
        return False
    spans = {cpu: [event.time for event in events if event.cpu == cpu] for cpu in sequence.cpus()}
    return any(spans[row[1]] and spans[row[1]][0] <= row[0] <= spans[row[1]][-1] for row in foreign)


def _shows_others(event, timers):
    words = (event.who, *event.text.split())
    if "other" in words or (timers and "ksoftirqd" in words):
        return True
    inside_others = event.context[1] == "H" and event.who == "idle"
    return inside_others or (event.name == "sched_waking" and event.who == words[1])


def _was_awake(events):
    """Whether a kworker or ksoftirqd has its turn though nobody was seen to wake it, a softirq of others wakes a kworker, or
    ksoftirqd is woken before the tenth pass: the 2 ms of the passes end with a jiffy, which another CPU may have counted."""
    woken, before, passes = set(), {}, 0
    for event in events:
        passes += event.name == "softirq_entry"
        if event.name == "sched_waking":
            woken.add(event.text)
            by_others = event.text.startswith("kworker") and not before.get(event.cpu, "").startswith("workqueue")
            too_early = event.text.startswith("ksoftirqd") and passes < SOFTIRQ_RESTART_MAX
            if event.context == "ds" and (by_others or too_early):
                return True
        elif event.name == "sched_switch":
            after = event.text.split()[-1]
            if after.startswith(("kworker", "ksoftirqd")) and f"{after} to {event.cpu}" not in woken:
                return True
        before[event.cpu] = event.name
    return False


# The model's


def model_run(sequence, table):
    """Events of the model's run of a sequence."""
    cpus, events, actions = sequence.cpus(), [], {}
    for row in range(len(table)):
        cpu = int(table.cpu[row])
        owned = _owned_in_model(table, row, actions) if cpu in cpus else None
        if owned:
            who = who_is(table.tasks.get(int(table.pid[row]), "")) or "other"
            events.append(Event(int(table.time_ns[row]), cpu, who, _context_in_model(int(table.flags[row])), *owned))
    return workers_named([event for event in events if not _begins(event)], sequence.unbound)


def _begins(event):
    """At the start a task is put on its CPU; a kernel's is there already."""
    return event.time == 0 and event.name.startswith("sched_") and event.who == "idle"


def _context_in_model(flags):
    hard, soft = flags & vocab.FLAG_HARDIRQ, flags & vocab.FLAG_SOFTIRQ
    inside = "H" if hard and soft else "h" if hard else "s" if soft else "b" if flags & vocab.FLAG_BH_OFF else "."
    return ("d" if flags & vocab.FLAG_IRQS_OFF else ".") + inside


STATES = {0: "R", 1: "S", 2: "D", 16: "X", 0x80: "I", 0x100: "R"}  # the last is told as R+: preempted


def _owned_in_model(table, row, actions):
    kind, a, b = int(table.kind[row]), int(table.a[row]), int(table.b[row])
    name, event = table.text(int(table.name[row])), vocab.EVENT_NAMES[int(table.kind[row])]
    if kind == vocab.IRQ_HANDLER_ENTRY:
        actions[int(table.cpu[row])] = name
        return event, name
    if kind == vocab.IRQ_HANDLER_EXIT:
        return event, f"{actions.pop(int(table.cpu[row]))} {'handled' if b else 'unhandled'}"
    if vocab.SOFTIRQ_RAISE <= kind <= vocab.SOFTIRQ_EXIT:
        return None if vocab.SOFTIRQS[a] in NEVER_OWNED else (event, vocab.SOFTIRQS[a])
    if kind in (vocab.TASKLET_ENTRY, vocab.TASKLET_EXIT):
        return event, table.function(b)
    if vocab.WORKQUEUE_QUEUE_WORK <= kind <= vocab.WORKQUEUE_EXECUTE_END:
        return event, table.function(b) + (f" on {name} cpu {int(table.c[row])}" if kind == vocab.WORKQUEUE_QUEUE_WORK else "")
    if kind == vocab.NAPI_POLL:
        return event, f"work {b} budget {int(table.c[row])}"
    if kind == vocab.SCHED_WAKING:
        return event, f"{who_is(name)} to {b}"
    if kind == vocab.SCHED_SWITCH:
        return event, f"{who_is(table.tasks[int(table.pid[row])]) or 'other'} {STATES.get(b, '?')} {who_is(name) or 'other'}"
    return None


# Comparing


def by_cpu(events):
    """{cpu: lines}."""
    lines = {}
    for event in events:
        lines.setdefault(event.cpu, []).append(event.line())
    return lines


def broken_pairs(sequence, events):
    """Those of a sequence's pairs whose later line does not come after the earlier one."""
    lines = [event.line() for event in events]
    return [pair for pair in sequence.pairs if not set(pair) <= set(lines) or lines.index(pair[0]) > lines.index(pair[1])]


def differences(expected, found, names=("expected", "found")):
    """Two orders by CPU, beside one another where they differ; empty when they agree."""
    parts = []
    for cpu in sorted({*expected, *found}, key=str):
        parts += difflib.unified_diff(expected.get(cpu, []), found.get(cpu, []), *names, lineterm="", n=4)
    return "\n".join(parts)
