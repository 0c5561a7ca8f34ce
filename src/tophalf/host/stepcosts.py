"""What a process can time by itself on this machine: an empty system call, a page fault, a switch, and gaps in its own time.

Each is a difference of two loops of the same Python code, one of which does the thing and one of which does not. Nothing on the
machine is changed: children are bound to a CPU, use memory and pipes of their own, send datagrams over loopback.
"""

import json
import mmap
import os
import sys
import time

ROUNDS, CALLS, PAGES, TURNS = 41, 2000, 512, 200
PAGE = mmap.PAGESIZE
GAP_NS = 700  # longer than the loop that looks at the clock ever takes by itself


def syscall_ns():
    """Times of getppid, the shortest call there is, one for each round; below 0 where the clock is too coarse to tell."""
    return [_loop_ns(os.getppid, CALLS) - _loop_ns(sys.getrecursionlimit, CALLS) for _ in range(ROUNDS)]


def _loop_ns(call, times):
    started = time.perf_counter_ns()
    for _ in range(times):
        call()
    return (time.perf_counter_ns() - started) / times


def page_fault_ns():
    """Times of a first write to an anonymous page less those of a second, one for each round."""
    return [_one_mapping() for _ in range(ROUNDS)]


def _one_mapping():
    with mmap.mmap(-1, PAGES * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        first, second = _touch(memory), _touch(memory)
    return (first - second) / PAGES


def _touch(memory):
    started = time.perf_counter_ns()
    for at in range(0, PAGES * PAGE, PAGE):
        memory[at] = 1
    return time.perf_counter_ns() - started


def context_switch_ns(cpu):
    """Times from one process to another on one CPU: two that hand a byte on through pipes, less one that hands it to itself."""
    there, back = os.pipe(), os.pipe()
    child = in_child(_echo, cpu, there[0], back[1])
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {cpu})
        _hand_on(there[1], back[0])
        return [(_turns_ns(there[1], back[0]) - 2 * _turns_ns(there[1], there[0], alone=child)) / 2 for _ in range(ROUNDS)]
    finally:
        os.sched_setaffinity(0, before)
        os.close(there[1])
        child.wait()


def _turns_ns(out, into, alone=None):
    """A turn of a byte: out and back in. alone: a child that reads `into` too; turns go through a pipe of our own then."""
    pair = os.pipe() if alone else (into, out)
    started = time.perf_counter_ns()
    for _ in range(TURNS):
        _hand_on(pair[1], pair[0])
    took = (time.perf_counter_ns() - started) / TURNS
    if alone:
        os.close(pair[0])
        os.close(pair[1])
    return took


def _hand_on(out, into):
    os.write(out, b"x")
    os.read(into, 1)


def _echo(_, into, out):
    while os.read(into, 1):
        os.write(out, b"x")


class in_child:  # noqa: N801  reads as the verb it is
    """Run function(send, *args) in a process bound to a CPU. `wait()` ends and returns what it sent, None for nothing."""

    def __init__(self, function, cpu, *args):
        self._result, sends = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            self._be_child(function, cpu, sends, args)
        os.close(sends)

    def _be_child(self, function, cpu, sends, args):
        status = 1
        try:
            os.sched_setaffinity(0, {cpu})
            keep = {sends, *(arg for arg in args if isinstance(arg, int))}
            for number in (each for each in range(3, 256) if each not in keep):
                _close(number)
            function(lambda found: os.write(sends, json.dumps(found).encode()), *args)
            status = 0
        finally:
            os._exit(status)

    def wait(self):
        with os.fdopen(self._result, "rb") as file:
            data = file.read()
        os.waitpid(self.pid, 0)
        return json.loads(data) if data else None


def _close(number):
    try:
        os.close(number)
    except OSError:
        return


def gaps(send, until_ns):
    """Look at the clock until monotonic time until_ns. Sends [median ns of a look, [[before, after], ...]]: where it was away."""
    found, looks = [], []
    last = time.monotonic_ns()
    while last < until_ns:
        now = time.monotonic_ns()
        if now - last > GAP_NS:
            found.append((last, now))
        elif len(looks) < 10_000:
            looks.append(now - last)
        last = now
    send([sorted(looks)[len(looks) // 2] if looks else 0, found])


def flood(_, until_ns):
    """Send 64-byte datagrams to ourselves over loopback until monotonic time until_ns, taking each out again."""
    import socket

    receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(1)
    sender.connect(receiver.getsockname())
    while time.monotonic_ns() < until_ns:
        sender.send(b"x" * 64)
        receiver.recv(64)
