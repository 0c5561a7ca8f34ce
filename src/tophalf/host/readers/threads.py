"""CPU time of the kernel threads that run interrupt work: ksoftirqd, irq threads, kworkers and their kin."""

import json
import re

from tophalf.errors import FormatError
from tophalf.host.fields import INTEGER_DIGITS_MAX, optional
from tophalf.snapshot import Thread
from tophalf.vocab import KTHREADD, PF_KTHREAD, SCHED_POLICIES

THREADS_MAX = 65_536  # 50 kernel threads on each of 1,300 CPUs
TICK_NS = 10_000_000  # USER_HZ is 100 on every architecture in use (include/asm-generic/param.h)

_PER_CPU = {"ksoftirqd": "ksoftirqd", "ktimers": "ktimers", "ktimersoftd": "ktimers", "rcuc": "rcuc", "backlog_napi": "napi"}
_IRQ = re.compile(r"(\d{1,9})-", re.ASCII)
_WORKER = re.compile(r"(?:(\d{1,6})|u\d{1,6}):\d{1,9}[A-Z]*", re.ASCII)
_RESCUER = re.compile(r"R-(.+?)(?:[+-]\1)?$", re.DOTALL)


def read_threads(root):
    """Threads by (name, pid); None when the machine does not show kernel threads.

    Source: /proc/PID/stat (fs/proc/array.c do_task_stat) and /proc/PID/schedstat (fs/proc/base.c), or a recording's
    thread_ticks.json, whose pids are None. Raises: FormatError for a broken thread_ticks.json.
    """
    ticks = optional(root, "/thread_ticks.json")
    if ticks is not None:
        return parse_thread_ticks(ticks)
    threads = {}
    for pid in _kernel_pids(root):
        thread = _read_thread(root, pid)
        if thread is not None:
            threads[thread.name, pid] = thread
    if not threads:
        root.missing["/proc/PID/stat"] = "no kernel threads shown (a container, hidepid, or not recorded)"
    return threads or None


def parse_thread_ticks(text, where="/thread_ticks.json"):
    """{name: USER_HZ ticks} as threads; names that do no interrupt work are left out. Raises: FormatError."""
    try:
        table = json.loads(text)
        if not isinstance(table, dict) or not all(type(ticks) is int and ticks >= 0 for ticks in table.values()):
            raise ValueError("not an object of names and ticks")
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise FormatError(f"not a table of thread ticks ({error})", f"{where}:{line}", "record it again") from None
    named = ((classify(name), ticks) for name, ticks in table.items())
    return {(known[0], None): _thread(known, None, ticks * TICK_NS, TICK_NS) for known, ticks in named if known}


def classify(comm):
    """(name, kind, cpu it is bound to or None, irq or None) of a thread's comm; None for threads of no interest.

    A kworker's comm ends in what it works on (kernel/workqueue.c wq_worker_comm): the name leaves that out.
    """
    head, slash, tail = comm.partition("/")
    if not slash:
        return None
    if head in _PER_CPU:
        return (comm, _PER_CPU[head], int(tail), None) if tail.isascii() and tail.isdigit() and len(tail) < 7 else None
    if head == "irq":
        found = _IRQ.match(tail)
        return (comm, "irq", None, int(found[1])) if found else None
    if head == "napi":
        return comm, "napi", None, None
    return _classify_worker(comm, tail) if head == "kworker" else None


def _classify_worker(comm, tail):
    found = _WORKER.match(tail)
    if found:
        return f"kworker/{found[0]}", "kworker", int(found[1]) if found[1] else None, None
    found = _RESCUER.match(tail)
    return (f"kworker/R-{found[1]}" if found else comm), "kworker", None, None


def parse_stat(text, where=""):
    """The fields of /proc/PID/stat that matter here: comm, parent, flags, ticks, processor, rt_priority, policy.

    Raises: FormatError.
    """
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    try:
        if "(" not in head or not head or max(map(len, fields)) > INTEGER_DIGITS_MAX:
            raise ValueError
        numbers = [int(field) for field in fields[1:39]]
        return {
            "comm": head.partition("(")[2], "parent": numbers[0], "flags": numbers[5],
            "ticks": numbers[10] + numbers[11], "processor": numbers[35],
            "rt_priority": numbers[36], "policy": numbers[37],
        }  # fmt: skip
    except (ValueError, IndexError):
        raise FormatError("not a line of /proc/PID/stat", where) from None


def _kernel_pids(root):
    children = optional(root, f"/proc/{KTHREADD}/task/{KTHREADD}/children")
    if children is not None and (optional(root, f"/proc/{KTHREADD}/comm") or "").strip() == "kthreadd":
        pids = children.split()
    else:
        pids = root.listing("/proc")
    found = [int(pid) for pid in pids if pid.isascii() and pid.isdigit() and len(pid) < 10]
    if len(found) > THREADS_MAX:
        root.missing["/proc/PID/stat"] = f"only the first {THREADS_MAX} of {len(found)} processes were looked at"
    return found[:THREADS_MAX]


def _read_thread(root, pid):
    path = f"/proc/{pid}/stat"
    text = optional(root, path)  # a thread may end between the listing and the reading
    if not text:
        return None
    try:
        stat = parse_stat(text, f"{path}:1")
    except FormatError as error:
        root.missing[path] = error.what
        return None
    known = classify(stat["comm"])
    if not known or not (stat["parent"] == KTHREADD or stat["flags"] & PF_KTHREAD):
        return None
    cpu_ns, resolution_ns = _run_time(root, pid, stat["ticks"])
    return _thread(known, pid, cpu_ns, resolution_ns, stat)


def _run_time(root, pid, ticks):
    """CPU time in ns and its resolution: schedstat where the kernel keeps it (else it reads "0 0 0"), or the ticks."""
    run_ns, _, rest = (optional(root, f"/proc/{pid}/schedstat") or "").partition(" ")
    if run_ns.isascii() and run_ns.isdigit() and len(run_ns) <= 20 and (run_ns != "0" or rest.strip() != "0 0"):
        return int(run_ns), 1
    return ticks * TICK_NS, TICK_NS


def _thread(known, pid, cpu_ns, resolution_ns, stat=None):
    """An irq thread follows its line's effective affinity, one CPU on x86 and GICs: where it last ran stands for it."""
    name, kind, cpu, irq = known
    if kind == "irq" and stat:
        cpu = stat["processor"]
    policy, rt_priority = (stat["policy"], stat["rt_priority"]) if stat else (None, None)
    return Thread(
        name=name, pid=pid, kind=kind, cpu=cpu, irq=irq, cpu_ns=cpu_ns, resolution_ns=resolution_ns,
        policy=SCHED_POLICIES[policy] if policy is not None and 0 <= policy < len(SCHED_POLICIES) else None,
        rt_priority=rt_priority,
    )  # fmt: skip
