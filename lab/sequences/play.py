"""Playing sequences in a guest: one module, one trace, one trip."""

import os

from lab.sequences import recorded, sequences
from lab.sequences.kernel import order
from lab.sequences.traces import by_cpu, differences, kernel_run, runs_of

DEVICES = ("edus",)
UNDISTURBED_WANTED = 2
ROUNDS_MAX = 12  # a tick can come into any run, the more so the slower the emulator is
EVENTS = ("irq", "napi", "workqueue", "timer/timer_expire_entry", "timer/hrtimer_expire_entry", "sched/sched_switch",
          "sched/sched_waking", "irq_vectors/local_timer_entry")  # fmt: skip
PREPARE = """
rmmod labirq 2>/dev/null; rmmod labseq 2>/dev/null; modprobe labseq || exit 1
echo 1 >/sys/kernel/rcu_expedited
cd /sys/kernel/tracing
echo 0 >tracing_on; echo mono >trace_clock; echo 16384 >buffer_size_kb; echo >trace
for event in {events}; do echo 1 >events/$event/enable; done
"""
# One process for all: starting one costs more than a sequence. Without waiting for RCU's usual grace periods when lines and
# queues are taken down.
PLAY = """
cd /sys/kernel/tracing
echo >trace; echo 1 >tracing_on
taskset -c 0 python3 -I - {names} <<'PROGRAM' || exit 1
import sys
for name in sys.argv[1:]:
    with open("trace_marker", "w") as marker:
        marker.write("sequence " + name)
    try:
        with open("/sys/module/labseq/parameters/play", "w") as play, open("/out/sequences/" + name) as order:
            play.write(order.read())
    except OSError as error:
        print("not played:", name, error)
PROGRAM
echo 0 >tracing_on
cat trace >/out/trace
dmesg -c | grep labseq: | tail -5
"""


def prepare(guest, sequences):
    """Load labseq, write the orders, set tracing up."""
    folder = os.path.join(guest.out, "sequences")
    os.makedirs(folder, exist_ok=True)
    for sequence in sequences:
        with open(os.path.join(folder, sequence.name), "w") as file:
            file.write(order(sequence))
    guest.check(PREPARE.format(events=" ".join(EVENTS)))


def play_once(guest, sequences):
    """Each sequence once. Returns {name: [(events, disturbed)]}; prints what the guest had to say."""
    names = " ".join(sequence.name for sequence in sequences)
    print(guest.check(PLAY.format(names=names) + "true", 600), end="")
    with open(os.path.join(guest.out, "trace"), errors="replace") as file:
        runs = runs_of(file.read())
    return {sequence.name: [kernel_run(sequence, rows) for rows in runs.get(sequence.name, ())] for sequence in sequences}


def play(guest, sequences, wanted=UNDISTURBED_WANTED, rounds=ROUNDS_MAX):
    """`rounds` at most, until each sequence had `wanted` undisturbed runs. Returns {name: [(events, disturbed)]}."""
    prepare(guest, sequences)
    found = {sequence.name: [] for sequence in sequences}
    for _ in range(rounds):
        todo = [sequence for sequence in sequences if len(undisturbed(found[sequence.name])) < wanted]
        if not todo:
            break
        for name, runs in play_once(guest, todo).items():
            found[name] += runs
    return found


def undisturbed(runs):
    """The orders by CPU of the runs that nothing foreign came into."""
    return [by_cpu(events) for events, disturbed in runs if not disturbed]


def record(kernel, names=()):
    """Play all, or those named, in a guest of a kernel and keep the orders seen. Prints where undisturbed runs differ."""
    from lab.guest import Guest

    chosen = [one for one in sequences(kernel) if not names or one.name in names]
    with Guest(kernel, devices=DEVICES) as guest:
        found = play(guest, chosen)
        release = guest.release
    orders = recorded.read(kernel)
    for name, runs in found.items():
        seen = undisturbed(runs)
        if not seen:
            print(f"{name}: no run without noise; {'what is recorded stays' if name in orders else 'play it again'}")
            continue
        orders[name] = max(seen, key=seen.count)
        for other in seen:
            if other != orders[name]:
                print(f"{name}: not the same each time\n{differences(orders[name], other)}")
    recorded.write(kernel, release, {one.name: orders[one.name] for one in sequences(kernel) if one.name in orders})
    return recorded.path(kernel)
