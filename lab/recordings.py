"""Recordings of real kernels at work, made with trace-cmd in a guest: what the readers of traces and the checker
of trace laws are tried on.

Each is short, on purpose: it shows one thing. The symbol table is cut down to names of work functions and
tasklets before trace-cmd copies it, because it would be nearly all of the file.
"""

import os
import shutil

from lab.guest import Guest
from lab.places import built

PARAMETERS = "/sys/module/labirq/parameters"
EVENTS = "irq napi workqueue irq_vectors sched:sched_switch sched:sched_wakeup"
SYMBOLS = r"""
umount /proc/kallsyms 2>/dev/null
grep -E ' [tT] [a-z_]*(work|work_?fn|work_func|worker|_wq|tasklet[a-z_]*|labirq[a-z_]*|_fn)($|\s)' /proc/kallsyms >/tmp/symbols
mount --bind /tmp/symbols /proc/kallsyms
"""
WORDS = r"""
P=/sys/module/labirq/parameters
order() { for pair in "$@"; do echo "${pair#*=}" >$P/${pair%%=*}; done; }
irqs() { grep -E "$1" /proc/interrupts | cut -d: -f1 | tr -d ' '; }
pin() { for irq in $(irqs "$1"); do echo $2 >/proc/irq/$irq/smp_affinity_list; done; }
"""


class Recording:
    """One recording: kernel, devices, what runs before and during it, and how trace-cmd shall write it."""

    def __init__(self, flavour, devices, during, before="", flood=None, events=EVENTS, options="", append="",
                 buffer_kib=6000):
        self.flavour = flavour
        self.devices = devices
        self.during = during
        self.before = before
        self.flood = flood
        self.events = events
        self.options = options
        self.append = append
        self.buffer_kib = buffer_kib

    def machine(self):
        """What a guest must have for it: recordings of the same machine share one."""
        return self.flavour, self.devices, self.append


TASKLETS = """
order tasklets=2 tasklet_us=200 gap_us=1000 raise=23
for cpu in 0 1 2 3; do pin labirq $cpu; order tasklets=1 tasklet_us=50 gap_us=200 raise=5; done
order tasklets=1 tasklet_us=300 gap_us=100
taskset -c 1 sh -c "echo 60 >$P/kick" &
taskset -c 2 sh -c "echo 60 >$P/kick" &
wait
order tasklets=1 tasklet_us=20 tasklet_hi=1 gap_us=500 raise=10
order tasklets=0 tasklet_hi=0
"""
PASSES = """
order tasklets=1 tasklet_us=20 tasklet_repeat=60 gap_us=3000 raise=8
order tasklet_us=0 tasklet_repeat=300 raise=8
order tasklet_us=100 tasklet_repeat=200 tasklet_hi=1 raise=3
order tasklets=0 tasklet_repeat=0 tasklet_hi=0
"""
WORKS = """
order works=3 work_us=1500 gap_us=4000
for queue in bound highpri unbound bh; do order work_on=$queue raise=6 || true; sleep 0.02; done
order works=0 work_on=bound work_us=25000
taskset -c 3 sh -c "echo 3 >$P/queue"; sleep 0.15
order work_us=0 gap_us=0
"""
THREADED = """
order gap_us=2000 handler_us=500 tasklets=1 tasklet_us=50 raise=40
"""
NAPI_WAIT = "sleep 0.3\n"
# 46 is SO_BUSY_POLL (include/uapi/asm-generic/socket.h); it runs before the recording because Python starts slowly
BUSY_POLL = """
echo 0 >/sys/class/net/eth0/threaded
nohup python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 46, 200)
s.bind(("0.0.0.0", 9))
while True: s.recv(100)' >/dev/null 2>&1 &
"""
SHARED = """
order hold_us=0 gap_us=1000 raise=10
order hold_us=400 raise=3
order hold_us=0
"""
DISK = "for n in 0 1 2 3; do taskset -c $n dd if=/dev/nvme0n1 of=/dev/null bs=64k count=40 iflag=direct 2>/dev/null & done; wait\n"
ALL = ("multiqueue", "e1000e", "nvme", "edu")
NET = ("multiqueue", "edu")

RECORDINGS = {
    "tasklets-6.12": Recording("6.12", ALL, TASKLETS),
    "passes-6.12": Recording("6.12", ALL, PASSES, options="--compression none"),
    "works-6.12": Recording("6.12", ALL, WORKS),
    "nvme-6.12": Recording("6.12", ALL, DISK),
    "flood-6.12": Recording("6.12", ALL, "sleep 0.15\n", before="pin virtio4-input 0", flood=0),
    "napi-threaded-6.12": Recording("6.12", ALL, NAPI_WAIT, before="echo 1 >/sys/class/net/eth0/threaded",
                                    flood=3000),
    "busy-poll-6.12": Recording("6.12", ALL, "sleep 0.3\n", before=BUSY_POLL, flood=2000),
    "offline-6.12": Recording("6.12", ALL, TASKLETS.replace("taskset -c 1", "taskset -c 3"),
                              before="echo 0 >/sys/devices/system/cpu/cpu1/online"),
    "irq-thread-6.12": Recording("6.12", NET, THREADED, before="rmmod labirq; modprobe labirq threaded=1"),
    "lost-6.12": Recording("6.12", NET, PASSES * 4, before="rmmod labirq; modprobe labirq", buffer_kib=40,
                          options="-s 250000"),
    "shared-6.12": Recording("6.12", ("edu", "e1000"), SHARED,
                             before="rmmod labirq; modprobe labirq msi=0; ip link set eth0 up"),
    "tasklets-6.1": Recording("6.1", NET, TASKLETS, options="--file-version 6"),
    "passes-6.1": Recording("6.1", NET, PASSES),
    "flood-6.1": Recording("6.1", NET, "sleep 0.15\n", before="pin virtio.*input 0", flood=0),
    "tasklets-rt": Recording("rt", ALL, TASKLETS + PASSES + WORKS),
    "flood-rt": Recording("rt", ALL, "sleep 0.15\n" + DISK, flood=2000),
}


def record(guest, name, recording):
    """Make one recording in a running guest; its file goes to .lab/recordings. Returns its path."""
    with open(os.path.join(guest.out, "during"), "w") as file:
        file.write(WORDS + recording.during)
    guest.check(f"{SYMBOLS}{WORDS}{recording.before}")
    flood = None if recording.flood is None else guest.flood(recording.flood, 60)
    try:
        events = " ".join("-e " + event for event in recording.events.split())
        guest.check("cd /tmp && "
                    f"trace-cmd record -q -C mono -b {recording.buffer_kib} {recording.options} {events} -o /tmp/trace.dat "
                    f"bash /out/during && cp /tmp/trace.dat /out/ && rm /tmp/trace.dat", 180)
    finally:
        if flood:
            flood.terminate()
            flood.wait()
    path = built("recordings", name + ".dat")
    shutil.move(os.path.join(guest.out, "trace.dat"), path)
    return path


def record_all(names=()):
    """Make recordings, those of one machine in one guest. Prints where each went."""
    chosen = {name: RECORDINGS[name] for name in names or RECORDINGS}
    for machine in dict.fromkeys(recording.machine() for recording in chosen.values()):
        flavour, devices, append = machine
        with Guest(flavour, devices, append=append) as guest:
            for name, recording in chosen.items():
                if recording.machine() == machine:
                    print(record(guest, name, recording), flush=True)
