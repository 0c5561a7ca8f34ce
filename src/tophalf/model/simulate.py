"""The door of the model: a scenario and a seed in, a run out."""

import time

from tophalf.errors import TophalfError
from tophalf.model.check.reports import reports_lost, reports_of
from tophalf.model.summary import TIMES, summarise
from tophalf.model.world import DriverError
from tophalf.scenario.load import command_name, load_scenario
from tophalf.scenario.schema import Scenario

SECONDS_MAX = 10**6
SLICE_S = 0.05  # of wall time between two calls of `progress`


def simulate(scenario, seed=0, seconds=None, sets=(), progress=None):
    """Run a scenario.

    Args: scenario: a built-in one's name, a path, or a Scenario. seed: integer. seconds: simulated, None: as the scenario says.
    sets: changes as --set takes them ("nic.rx_usecs=50"). progress(now_ns, until_ns): called now and then.
    Returns: a Run, also where a driver ended it before its time (Run.ended). Raises: TophalfError.
    """
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario, sets)
    until_ns = length_ns(scenario, seconds)
    warm_up()
    world = make_world(scenario, seed)
    started, ended = time.perf_counter(), None
    try:
        run_on(world, until_ns, progress)
    except DriverError as error:
        ended = error
    return Run(scenario, seed, world, time.perf_counter() - started, seconds, ended)


def length_ns(scenario, seconds):
    """How long a run lasts. Raises: TophalfError."""
    if seconds is None:
        return scenario.one("machine").seconds
    if not 0 < seconds <= SECONDS_MAX:
        raise TophalfError(f"{seconds} s is no time to run", "--seconds", f"give more than 0 and at most {SECONDS_MAX}")
    return max(round(seconds * 1e9), 1)


def make_world(scenario, seed, trace_rows=0):
    """A World of a scenario, ready to run."""
    from tophalf.model.assemble.world import assemble

    return assemble(scenario, seed).world(trace_rows)


def run_on(world, until_ns, progress=None):
    """Go on until until_ns, in slices of about SLICE_S. Slices change nothing but when `progress` is called."""
    slice_ns = until_ns if progress is None else max(until_ns // 1000, 1)
    while world.now_ns < until_ns:
        started = time.perf_counter()
        world.run(min(world.now_ns + slice_ns, until_ns))
        if progress:
            progress(world.now_ns, until_ns)
            took = max(time.perf_counter() - started, 1e-6)
            slice_ns = max(int(slice_ns * min(SLICE_S / took, 4)), 1)


def warm_up():
    """Compile the engine where no earlier run has: once a version, a minute or so."""
    from tophalf.model.build import Builder

    Builder(0).world().run(1)


class Run:
    """A run that is over. `as_dict()` is the JSON of `tophalf run`; `world` can be looked at, and run on."""

    def __init__(self, scenario, seed, world, wall_seconds, seconds=None, ended=None):
        """seconds: as `simulate` was asked; ended: the error of a driver that ended it, or None."""
        self.scenario, self.seed, self.world, self.wall_seconds = scenario, seed, world, wall_seconds
        self.seconds, self.ended = seconds, ended

    @property
    def replay(self):
        """The command that runs it again."""
        import shlex

        words = ["tophalf", "run", command_name(self.scenario), "--seed", str(self.seed)]
        words += ["--seconds", f"{self.seconds:g}"] if self.seconds is not None else []
        words += [word for change in self.scenario.sets or () for word in ("--set", change)]
        return shlex.join(words)

    def reports(self):
        """[driver.report.Report]: what was found wrong with drivers in Python, in order of time."""
        return reports_of(self.world, self.replay)

    def as_dict(self):
        """scenario, seed, simulated_ns, wall_seconds, what `summarise` says, and what was wrong with drivers."""
        found = summarise(self.world)
        head = {"scenario": self.scenario.name, "seed": self.seed, "simulated_ns": found.pop("simulated_ns")}
        tail = {"reports": [report.as_dict() for report in self.reports()], "ended": self.ended.line() if self.ended else None}
        tail["reports_lost"] = reports_lost(self.world)
        return head | {"wall_seconds": self.wall_seconds} | found | tail

    def __repr__(self):
        return f"<Run of {self.scenario.name}, seed {self.seed}, {self.world.now_ns / 1e9:g} s>"

    def _repr_html_(self):
        """Notebooks: the figures as a table, and a bar for each CPU."""
        found = self.as_dict()
        cells = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>" for name, value in figures(found))
        bars = "".join(_html_bar(cpu) for cpu in found["cpus"])
        return f"<b>{self.scenario.name}</b> {self.scenario.title}<table>{cells}</table>{bars}"


def figures(found):
    """(name, text) of what a run came to, for people. found: Run.as_dict()."""
    from tophalf.vocab import human_count, human_ns

    seconds, packets, latency = max(found["simulated_ns"], 1) / 1e9, found["packets"], found["latency_ns"]
    rows = [("interrupts", f"{human_count(found['interrupts'])} ({human_count(found['interrupts'] / seconds)}/s)")]
    if packets["offered"]:
        dropped = ", ".join(f"{human_count(count)} {where}" for where, count in packets["dropped"].items() if count)
        rows += [
            ("packets offered", f"{human_count(packets['offered'])} ({human_count(packets['offered'] / seconds)}/s)"),
            ("delivered", f"{human_count(packets['delivered'])} ({human_count(packets['delivered'] / seconds)}/s)"),
            ("dropped", dropped or "none"),
            ("in flight", human_count(packets["in_flight"])),
            ("NAPI polls", human_count(found["polls"])),
        ]
    if found.get("sent"):
        rows.append(("packets sent", f"{human_count(found['sent'])} ({human_count(found['sent'] / seconds)}/s)"))
    if latency["mean"] is not None:
        rows.append(("latency", ", ".join(f"{name} {human_ns(value)}" for name, value in latency.items())))
    rows += [(f"disk {disk['name']}", _disk_figures(disk, seconds)) for disk in found["disks"]]
    rows += [(f"call {call['name']}", _call_figures(call, seconds)) for call in found["calls"]]
    if found["work"]:
        counts = {name: sum(work[name] for work in found["work"]) for name in ("queued", "executed", "cancelled", "waiting")}
        rows.append(("work items", ", ".join(f"{human_count(count)} {name}" for name, count in counts.items())))
    switches = found["context_switches"]
    rows.append(("context switches", f"{human_count(switches['voluntary'])} voluntary, {switches['by_interrupt']:,} by interrupt"))
    return rows


def _call_figures(call, seconds):
    from tophalf.vocab import human_count, human_ns

    told = [f"{human_count(call['done'])} of {call['device']} ({human_count(call['done'] / seconds)}/s)"]
    told += [f"{human_count(call[name])} {name}" for name in ("failed", "inside") if call[name]]
    told += [f"{name} {human_ns(call['latency_ns'][name])}" for name in ("mean", "p99") if call["done"]]
    return ", ".join(told)


def _disk_figures(disk, seconds):
    from tophalf.vocab import human_count, human_ns

    told = [f"{human_count(disk['completed'])} requests ({human_count(disk['completed'] / seconds)}/s)"]
    told += [f"{human_count(count)} finished {WAYS[way]}" for way, count in disk["finished"].items() if count]
    told += [f"{name} {human_ns(disk['latency_ns'][name])}" for name in ("mean", "p99") if disk["completed"]]
    return ", ".join(told)


WAYS = {"in_place": "where they were seen", "softirq": "by a softirq there", "ipi": "on the submitter's CPU by IPI"}
_COLOURS = ("#d62728", "#ff7f0e", "#e377c2", "#9467bd", "#8c564b", "#1f77b4", "#dddddd")


def _html_bar(cpu):
    whole = sum(cpu[name] for name in TIMES) or 1
    widths = [f"width:{40 * cpu[name] / whole:.2f}em;background:{colour}" for name, colour in zip(TIMES, _COLOURS, strict=True)]
    style = "display:inline-block;height:1em"
    parts = "".join(f"<span title='{name[:-3]}' style='{style};{width}'></span>" for name, width in zip(TIMES, widths, strict=True))
    return f"<div>CPU{cpu['cpu']} {parts}</div>"
