"""Recordings of known work: `tophalf record` runs in the guest, the work begins once it records, it ends with the work."""

import os
import shutil
import sys

from asking import CHECKOUT

SENDER = os.path.join(CHECKOUT, "lab", "flood.py")

RECORD = """
P=/sys/module/labirq/parameters
order() {{ for pair in "$@"; do echo "${{pair#*=}}" >$P/${{pair%%=*}}; done; }}
python3 -m tophalf record /tmp/{name}.tar 2>/tmp/{name}.said >/tmp/{name}.sum & recorder=$!
until grep -q '^ *[0-9]* s ' /tmp/{name}.said; do kill -0 $recorder || break; sleep 0.05; done
{work}
kill -INT $recorder; wait $recorder
status=$?
cat /tmp/{name}.said /tmp/{name}.sum
mv /tmp/{name}.tar /out/ && [ $status = 0 ]
"""
# Nothing but `raise` makes the device interrupt. The parts are apart in time, so that what each starts is counted whole.
KNOWN_WORK = """
order tasklets=2 tasklet_us=100 works=1 work_us=50 gap_us=2000 raise=23
order works=0 tasklets=1 tasklet_us=20 tasklet_repeat=300 gap_us=50000
taskset -c 3 sh -c "echo 5 >$P/kick"
order tasklet_repeat=0 tasklets=0 works=1 work_us=3000
taskset -c 1 sh -c "echo 1 >$P/queue"
order works=0 gap_us=0; sleep 0.3
"""
RAISED = 23
TASKLETS_RUN = 2 * 23 + 5 * (1 + 300)
WORKS_RUN = 23 + 1

# Packets come flat out on CPU 0 once /out/go is there. Meanwhile a tasklet is scheduled from CPU 1 and CPU 2 at once, so
# that it meets itself running.
FLOOD_S = 5
FLOODED = f"""
touch /out/go
order tasklets=1 tasklet_us=300 gap_us=100
taskset -c 1 sh -c "echo 60 >$P/kick" & one=$!
taskset -c 2 sh -c "echo 60 >$P/kick" & two=$!
wait $one $two
order tasklets=0 gap_us=0; sleep {FLOOD_S}
"""
# One file for each input queue of virtio-net, in the order of the queues.
QUEUE_MASKS = "sed -n 's/^ *\\([0-9]*\\):.*virtio.*-input.*/\\/proc\\/irq\\/\\1\\/smp_affinity/p' /proc/interrupts"
STACK_QUEUES = f"""
for file in $({QUEUE_MASKS}); do echo 1 >$file; done
for file in $({QUEUE_MASKS}); do until [ $(cat ${{file%/*}}/effective_affinity_list) = 0 ]; do sleep 0.1; done; done
"""
SPREAD_QUEUES = f"mask=1; for file in $({QUEUE_MASKS}); do echo $mask >$file; mask=$((mask * 2)); done"


def record(guest, name, work):
    """Record while the work runs. Returns the recording's path on this side; it lives as long as the guest."""
    guest.check(RECORD.format(name=name, work=work), 300)
    path = os.path.join(guest.folder, name + ".tar")
    shutil.move(os.path.join(guest.out, name + ".tar"), path)
    return path


class Flood:
    """Packets to eth0 while it lasts; flat out when the rate is 0."""

    def __init__(self, guest, packets_per_second=0):
        self.guest, self.rate = guest, packets_per_second

    def __enter__(self):
        self._sender = self.guest.flood(self.rate, 300)

    def __exit__(self, *_):
        self._sender.kill()
        self._sender.wait()


def stack_queues(guest):
    """All input queues on CPU 0. A few packets move them there before any flood: the move needs an interrupt, and NAPI
    of a queue that is flooded goes on where it is, without one."""
    with Flood(guest, 1000):
        guest.check(STACK_QUEUES)


def record_flood(guest, name="flood"):
    """Packets flat out, all queues on CPU 0. They begin after the recorder and end before it, which so starts and ends fast."""
    waits = 'until [ -e "$1/go" ]; do sleep 0.05; done; exec "$2" -I "$3" 10.9.0.2 0 "$4"'
    stack_queues(guest)
    sender = guest.beside("sh", "-c", waits, "sh", guest.out, sys.executable, SENDER, str(FLOOD_S))
    try:
        return record(guest, name, FLOODED)
    finally:
        sender.kill()
        sender.wait()
        guest.check(f"rm -f /out/go; {SPREAD_QUEUES}")
