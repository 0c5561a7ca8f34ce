"""Real recorded machines, changed in one respect: what rules are tested on. A change grows with time from the first sample."""

import os

from tophalf.host.door import open_machine
from tophalf.host.read import ALL, read_snapshot
from tophalf.judge import metrics
from tophalf.judge.case import Case
from tophalf.judge.registry import judge
from tophalf.snapshot import (
    Boot,
    CpuTable,
    Facts,
    Interrupts,
    IrqFiles,
    Line,
    NetDevice,
    Snapshot,
    Softnet,
    Spurious,
    Stat,
    Thread,
    Topology,
)

HOSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "hosts")
_READ = {}


def recorded(name):
    """Snapshots of a case of tests/data/hosts, all fields."""
    if name not in _READ:
        machine = open_machine(os.path.join(HOSTS, f"{name}.tar.xz"))
        _READ[name] = [read_snapshot(root, time_ns, ALL) for time_ns, root in machine.moments]
    return list(_READ[name])


class Machine:
    """A recorded series to change; every method returns self. Rates are per second."""

    def __init__(self, name="balanced", samples=None):
        shots = recorded(name)
        self.shots = shots if samples is None else [shots[0], shots[-1]][:samples]
        self.start_ns = self.shots[0].time_ns
        self.facts_now = Facts()

    def _map(self, change):
        self.shots = [change(shot, (shot.time_ns - self.start_ns) / 1e9) for shot in self.shots]
        return self

    def widen(self, cpus):
        """As many CPUs as named: those beyond the recorded ones take over nothing and idle."""

        def change(shot, seconds):
            table, softirqs = shot.interrupts, shot.softirqs
            more = tuple(cpu for cpu in cpus if cpu not in table.cpus)
            lines = {key: line.replace(counts=(*line.counts, *([0] * len(more)))) if line.per_cpu else line
                     for key, line in table.lines.items()}  # fmt: skip
            rows = {name: (*counts, *([0] * len(more))) for name, counts in softirqs.rows.items()}
            idle = (0, 0, 0, 1000 + int(seconds * 100), 0, 0, 0, 0, 0, 0)
            return shot.replace(
                interrupts=Interrupts(cpus=(*table.cpus, *more), lines=lines),
                softirqs=CpuTable(cpus=(*softirqs.cpus, *more), rows=rows),
                stat=shot.stat.replace(ticks={**shot.stat.ticks, **dict.fromkeys(more, idle)}),
                softnet={**shot.softnet, **{cpu: Softnet(processed=0, dropped=0, time_squeeze=0, received_rps=0) for cpu in more}},
            )  # fmt: skip

        return self._map(change)

    def line(self, irq, action, rates=None, mask=None, effective=None, hint=(), node=-1, base=1000, kind="device",
             between=None, **fields):  # fmt: skip
        """Add a line, or put one in place of another. rates: {cpu: interrupts per second}; between: (from, to) seconds in
        which alone they come."""
        start, end = between or (0.0, 1e9)

        def change(shot, seconds):
            active = max(0.0, min(seconds, end) - start)
            counts = tuple(base + int((rates or {}).get(cpu, 0) * active) for cpu in shot.interrupts.cpus)
            actions = action if isinstance(action, tuple) else (action,)
            line = Line(**{"key": str(irq), "irq": irq if isinstance(irq, int) else None, "kind": kind, "counts": counts,
                           "per_cpu": True, "chip": "PCI-MSIX-0000:00:06.0", "hwirq": 1, "trigger": "edge",
                           "actions": actions if isinstance(irq, int) else (), **fields})  # fmt: skip
            shot = shot.replace(interrupts=shot.interrupts.replace(lines={**shot.interrupts.lines, line.key: line}))
            if shot.irq_files is None or not isinstance(irq, int):
                return shot
            landed = tuple(rates or ())[:1] or (mask or ())[:1]
            files = IrqFiles(affinity=mask or landed, effective_affinity=effective or landed, affinity_hint=hint, node=node,
                             spurious=Spurious(count=0, unhandled=0, last_unhandled_ms=0), actions=actions)  # fmt: skip
            return shot.replace(irq_files={**shot.irq_files, irq: files})

        return self._map(change)

    def without(self, *words):
        """Take away lines whose actions hold one of the words."""

        def change(shot, seconds):
            kept = {key: line for key, line in shot.interrupts.lines.items()
                    if not any(word in action for action in line.actions for word in words)}  # fmt: skip
            return shot.replace(interrupts=shot.interrupts.replace(lines=kept))

        return self._map(change)

    def softirqs(self, vector, rates):
        """More softirqs of a vector. rates: {cpu: per second}."""

        def change(shot, seconds):
            row = shot.softirqs.rows[vector]
            row = tuple(count + int(rates.get(cpu, 0) * seconds) for cpu, count in zip(shot.softirqs.cpus, row, strict=True))
            return shot.replace(softirqs=shot.softirqs.replace(rows={**shot.softirqs.rows, vector: row}))

        return self._map(change)

    def softnet(self, cpu, **rates):
        """More packets processed, dropped, time_squeeze, received_rps on a CPU."""

        def change(shot, seconds):
            row = shot.softnet[cpu]
            grown = {name: (getattr(row, name) or 0) + int(rate * seconds) for name, rate in rates.items()}
            return shot.replace(softnet={**shot.softnet, cpu: row.replace(**grown)})

        return self._map(change)

    def times(self, cpu, **shares):
        """Where a CPU's time goes, in place of what was recorded: shares of STAT_TIMES names; the rest is idle."""
        names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")

        def change(shot, seconds):
            spent = {"idle": 1 - sum(shares.values()), **shares}
            ticks = tuple(1000 + int(100 * seconds * spent.get(name, 0)) for name in names)
            return shot.replace(stat=Stat(**{**shot.stat.as_dict(), "ticks": {**shot.stat.ticks, cpu: (*ticks, 0, 0)}}))

        return self._map(change)

    def thread(self, name, kind, share, cpu=None, irq=None, pid=77):
        """A kernel thread that takes a share of a CPU."""

        def change(shot, seconds):
            thread = Thread(name=name, pid=pid, kind=kind, cpu=cpu, irq=irq, cpu_ns=int(share * seconds * 1e9), resolution_ns=1)
            return shot.replace(threads={**(shot.threads or {}), (name, pid): thread})

        return self._map(change)

    def udp(self, **rates):
        return self._map(lambda shot, seconds: shot.replace(udp={name: int(rate * seconds) for name, rate in rates.items()}))

    def nic(self, device, **rates):
        """Counters of a network device."""

        def change(shot, seconds):
            stats = {name: int(rate * seconds) for name, rate in rates.items()}
            return shot.replace(netdev_stats={**(shot.netdev_stats or {}), device: stats})

        return self._map(change)

    def log(self, *lines, before=()):
        """Lines of the kernel log that come after the first sample."""
        return self._map(lambda shot, seconds: shot.replace(log=tuple(before) + (tuple(lines) if seconds else ())))

    def masks(self, irq, first=None, last=None, **fields):
        """Files of an interrupt: other masks at the first and at the later moments."""

        def change(shot, seconds):
            if shot.irq_files is None:
                return shot
            mask = first if not seconds else last
            files = shot.irq_files[irq].replace(**({"affinity": mask} if mask is not None else {}), **fields)
            return shot.replace(irq_files={**shot.irq_files, irq: files})

        return self._map(change)

    def spurious(self, irq, **rates):
        """unhandled and count of an interrupt grow; last_unhandled moves."""

        def change(shot, seconds):
            if shot.irq_files is None:
                return shot
            counts = {name: int(rate * seconds) for name, rate in rates.items()}
            spurious = Spurious(**{"count": 0, **counts, "last_unhandled_ms": int(5000 + seconds)})
            return shot.replace(irq_files={**shot.irq_files, irq: shot.irq_files[irq].replace(spurious=spurious)})

        return self._map(change)

    def facts(self, **fields):
        self.facts_now = self.facts_now.replace(**fields)
        return self

    def boot(self, **fields):
        return self.facts(boot=Boot(**{"version": "Linux version 6.12", "cmdline": "quiet", "isolated": (), "nohz_full": (),
                                       "machine": "x86_64", "user_hz": 100, **fields}))  # fmt: skip

    def nodes(self, nodes):
        cpus = tuple(sorted(cpu for each in nodes.values() for cpu in each))
        node_of = {cpu: node for node, each in nodes.items() for cpu in each}
        return self.facts(topology=Topology(online=cpus, nodes=nodes, node_of=node_of))

    def net(self, name, **fields):
        return self.facts(net={**(self.facts_now.net or {}), name: NetDevice(name=name, **fields)})

    def case(self, timing=None):
        shots = [shot.replace(facts=self.facts_now) for shot in self.shots]
        return Case(metrics.over(shots), timing)

    def verdict(self, *rules, timing=None):
        return judge(self.case(timing), set(rules))

    def findings(self, rule):
        """Findings of one rule alone."""
        verdict = self.verdict(rule)
        assert rule in verdict.judged, verdict.not_judged
        return list(verdict.findings)


__all__ = ["HOSTS", "Machine", "Snapshot", "recorded"]
