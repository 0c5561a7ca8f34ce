"""A real irqbalance on made-up machines: python3 -m lab.irqbalance ROOT [COUNT] writes tests/data/irqbalance.json.xz again.

ROOT is a directory in a tmpfs (whose directories list newest first, so that what is made last is read first) with
usr/sbin/irqbalance and its libraries; the daemon is run there by chroot, which needs root. Its files in proc, sys and run are made
here, machine by machine, and changed between its intervals. Nothing of this host is read or written by it.
"""

import json
import lzma
import os
import pty
import random
import shutil
import subprocess
import sys
import threading
import time

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "data", "irqbalance.json.xz")
CLASSES = ("0x020000", "0x020000", "0x010802", "0x0c0330", "0x088000", "0x030000")
INTERVALS, SETTLE_S, PATIENCE_S = 5, 0.25, 30


# Machines


def machine(seed):
    """One drawn at random: CPUs, cores, nodes, devices with lines, bans, and what its files say at each moment."""
    rng = random.Random(seed)
    threads = rng.choice((1, 1, 2))
    cpus = max(threads * rng.randint(2 if threads == 1 else 1, 4 if threads == 1 else 3), 2)
    cores = [list(range(cpu, cpu + threads)) for cpu in range(0, cpus, threads)]
    half = len(cores) // 2 * threads if len(cores) >= 2 and rng.random() < 0.35 else 0
    nodes = [list(range(half)), list(range(half, cpus))] if half else [list(range(cpus))]
    devices = _devices(rng, len(nodes))
    lines = [irq for device in devices for irq in device["irqs"]]
    return {
        "cpus": cpus, "nodes": nodes, "cores": cores, "devices": devices, "bans": [irq for irq in lines if rng.random() < 0.1],
        "banned_cpus": [rng.randrange(cpus)] if cpus > 2 and rng.random() < 0.25 else [],
        "masks": {irq: list(range(cpus)) for irq in lines}, "moments": _moments(rng, lines, cpus),
    }  # fmt: skip


def _devices(rng, nodes):
    found, irq = [], 24
    for place in range(rng.randint(1, 4)):
        lines = list(range(irq, irq + rng.randint(1, 4)))
        irq = lines[-1] + 1
        node = rng.choice((-1, 0, nodes - 1))
        found.append({"address": f"0000:00:{4 + place:02x}.0", "class": rng.choice(CLASSES), "node": node, "irqs": lines})
    return found


def _moments(rng, lines, cpus):
    counts = {irq: rng.randint(0, 1000) for irq in lines}
    ticks = {cpu: [rng.randint(0, 50), rng.randint(0, 500)] for cpu in range(cpus)}
    rates, found = {irq: rng.choice((0, 1, 30, 300, 3000)) for irq in lines}, []
    for at in range(INTERVALS + 1):
        found.append({"counts": dict(counts), "ticks": {cpu: list(columns) for cpu, columns in ticks.items()}})
        if at > 1 and rng.random() < 0.4:
            found[-1]["writes"] = {rng.choice(lines): [rng.randrange(cpus)]}
        for irq in lines:
            counts[irq] += rng.randint(0, rates[irq])
        for columns in ticks.values():
            columns[1] += rng.choice((0, rng.randint(0, 10), rng.randint(0, 100)))
    return found


# Their files


class Root:
    """The directory that the daemon takes for the root of the file system."""

    def __init__(self, path):
        self.path = path

    def put(self, path, text):
        full = self.path + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(f"{full}.new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(f"{full}.new", full)

    def begin(self, given):
        """All that does not change, of one machine."""
        for top in ("proc", "sys", "run"):
            shutil.rmtree(f"{self.path}/{top}", ignore_errors=True)
        os.makedirs(f"{self.path}/run/irqbalance")
        self.put("/proc/self/status", "Cpus_allowed:\tff\nCpus_allowed_list:\t0-7\nMems_allowed:\t3\nMems_allowed_list:\t0-1\n")
        self.put("/sys/devices/system/cpu/online", f"0-{given['cpus'] - 1}\n")
        for node in reversed(range(len(given["nodes"]))):
            self.put(f"/sys/devices/system/node/node{node}/cpumap", mask(given["nodes"][node]))
        for cpu in reversed(range(given["cpus"])):
            self._cpu(given, cpu)
        for device in reversed(given["devices"]):
            self._device(given, device)
        for irq, cpus in given["masks"].items():
            self.put(f"/proc/irq/{irq}/smp_affinity", mask(cpus))

    def _cpu(self, given, cpu):
        base = f"/sys/devices/system/cpu/cpu{cpu}"
        node = next(number for number, cpus in enumerate(given["nodes"]) if cpu in cpus)
        core, package = next(cpus for cpus in given["cores"] if cpu in cpus), given["nodes"][node]
        self.put(f"{base}/topology/core_siblings", mask(package))
        self.put(f"{base}/topology/physical_package_id", f"{node}\n")
        for index, cpus in enumerate((core, core, core, package)):
            self.put(f"{base}/cache/index{index}/shared_cpu_map", mask(cpus))
        os.makedirs(f"{self.path}{base}/node{node}")

    def _device(self, given, device):
        base = f"/sys/bus/pci/devices/{device['address']}"
        for name in ("vendor", "device", "subsystem_vendor", "subsystem_device"):
            self.put(f"{base}/{name}", "0x1\n")
        self.put(f"{base}/class", f"{device['class']}\n")
        self.put(f"{base}/numa_node", f"{device['node']}\n")
        self.put(f"{base}/local_cpus", mask(range(given["cpus"])))
        for irq in reversed(device["irqs"]):
            self.put(f"{base}/msi_irqs/{irq}", "msix\n")

    def show(self, given, moment):
        """What its files say at a moment."""
        rows = "".join(f"cpu{cpu} 0 0 0 0 0 {irq} {softirq} 0 0 0\n" for cpu, (irq, softirq) in moment["ticks"].items())
        rest = "0 " * (given["cpus"] - 1)
        lines = "".join(f"{irq:3}: {count} {rest}IR-PCI-MSIX 0-edge line{irq}\n" for irq, count in moment["counts"].items())
        self.put("/proc/stat", f"cpu 0 0 0 0 0 0 0 0 0 0\n{rows}intr 0\n")
        self.put("/proc/interrupts", " ".join(f"CPU{cpu}" for cpu in range(given["cpus"])) + f"\n{lines}NMI: 0\n")
        for irq, cpus in moment.get("writes", {}).items():
            self.put(f"/proc/irq/{irq}/smp_affinity", mask(cpus))

    def masks(self, given):
        return {irq: self._mask(irq) for irq in given["masks"]}

    def _mask(self, irq):
        with open(f"{self.path}/proc/irq/{irq}/smp_affinity", encoding="ascii") as file:
            bits = int(file.read().replace(",", ""), 16)
        return [cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1]


def mask(cpus):
    return f"{sum(1 << cpu for cpu in cpus):x}\n"


# The daemon


def masks_after_each_interval(root, given):
    """Start it on a machine; the masks that it leaves after each of its scans."""
    root.begin(given)
    root.show(given, given["moments"][0])
    bans = [f"--banirq={irq}" for irq in given["bans"]]
    banned = {"IRQBALANCE_BANNED_CPULIST": ",".join(map(str, given["banned_cpus"]))} if given["banned_cpus"] else {}
    master, slave = pty.openpty()  # or it would hold its lines back
    command = ["/usr/sbin/chroot", root.path, "/usr/sbin/irqbalance", "--foreground", "--debug", "-t", "1", *bans]
    daemon = subprocess.Popen(command, stdout=slave, stderr=slave, env=banned)
    os.close(slave)
    said, found = [], []
    threading.Thread(target=_listen, args=(master, said), daemon=True).start()
    time.sleep(SETTLE_S)
    for number, moment in enumerate(given["moments"][1:], 1):
        root.show(given, moment)
        _wait_for(said, number)
        found.append(root.masks(given))
    daemon.terminate()
    daemon.wait()
    return found


def _listen(master, said):
    try:
        with os.fdopen(master, errors="replace") as lines:
            said.extend(line for line in lines)
    except OSError:
        pass  # the terminal's end


def _wait_for(said, scans):
    """Until it has begun so many scans, and a while for the last one to be over."""
    end = time.monotonic() + PATIENCE_S
    while sum(line.startswith("-----") for line in said) < scans:
        if time.monotonic() > end:
            raise SystemExit("irqbalance does not scan: " + "".join(said[-5:]))
        time.sleep(0.01)
    time.sleep(SETTLE_S)


def main(path, count=40):
    """Write the data file."""
    root, cases = Root(path.rstrip("/")), []
    for seed in range(int(count)):
        given = machine(seed)
        cases.append(given | {"expected": masks_after_each_interval(root, given)})
        print(f"machine {seed}", flush=True)
    with lzma.open(DATA, "wt", preset=9) as file:
        json.dump(cases, file, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
