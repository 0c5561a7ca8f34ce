"""The outcome of a simulated run for people: figures, what was asked for, and a bar of each CPU's time."""

from tophalf.cli import render
from tophalf.model.assemble.machine import costs_of
from tophalf.model.code.counts import told as told_of_device
from tophalf.model.orders.order import told
from tophalf.model.simulate import figures
from tophalf.model.summary import TIMES
from tophalf.vocab import cpu_list, human_count, human_ns

BAR_WIDTH = 50
# One letter and colour for what a CPU's time goes to
MARKS = (("hardirq", "H", "red"), ("softirq", "S", "yellow"), ("ksoftirqd", "K", "yellow"), ("irq thread", "I", "cyan"),
         ("kworker", "W", "cyan"), ("task", "T", "green"), ("idle", "·", "dim"))  # fmt: skip
CPUS_SHOWN = 32


def run_text(scenario, found):
    """Lines about a run. found: Run.as_dict()."""
    seconds, wall = found["simulated_ns"] / 1e9, found["wall_seconds"]
    speed = f"{seconds / wall:.3g} times real time" if wall else ""
    head = f"{found['scenario']}, seed {found['seed']}, {seconds:g} s simulated in {wall:.3g} s ({speed})"
    lines = [render.paint(head, "bold"), *filter(None, [scenario.title]), "", *_aligned(figures(found)), *_asked(scenario)]
    lines += ["", *_bars(found["cpus"]), "", *_busiest(found, seconds), *_drivers(found)]
    lines += [*_orders(found), *_not_reached(scenario, found)]
    return "\n".join(lines)


def _aligned(rows):
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {value}" for name, value in rows]


def _asked(scenario):
    """What a load that interrupts for every packet asks for."""
    for nic in scenario.all("nic"):
        if nic.mode in ("each", "counted"):
            cost_ns = handler_ns(scenario, nic)
            if cost_ns:
                share = nic.rate * cost_ns / 1e9
                load = f"{nic.rate:,} packets/s x {cost_ns / 1000:g} µs an interrupt"
                yield f"{load}: the load asks for {share:.1f} CPUs; {len(nic.cpus or ()) or scenario.one('machine').cpus} there"


def handler_ns(scenario, nic):
    """ns of an interrupt from entry to exit where all its parts are constant, else None."""
    costs = costs_of(scenario)
    parts = [nic.handler_cost or costs["handler"], costs["irq_entry"], costs["irq_exit"]]
    return sum(part[1] for part in parts) if all(part[0] == "constant" for part in parts) else None


def _bars(cpus):
    yield f"time of each CPU: {legend()}"
    width = len(str(cpus[-1]["cpu"]))
    for cpu in cpus[:CPUS_SHOWN]:
        shares = ", ".join(f"{name} {share(cpu, at):.1%}" for at, (name, _, _) in enumerate(MARKS) if share(cpu, at) >= 0.0005)
        yield f"CPU{cpu['cpu']:<{width}} {cpu_bar(cpu)} {shares}"
    if len(cpus) > CPUS_SHOWN:
        yield f"... and {len(cpus) - CPUS_SHOWN} more CPUs (--json has all)"


def legend():
    """What the letters of cpu_bar stand for."""
    return ", ".join(f"{render.paint(mark, colour)} {name}" for name, mark, colour in MARKS)


def share(cpu, which):
    """The share of a CPU's time that one of MARKS takes."""
    whole = sum(cpu[name] for name in TIMES)
    return cpu[TIMES[which]] / whole if whole else 0.0


def cpu_bar(cpu, width=BAR_WIDTH):
    """A CPU's time in `width` cells; borders are rounded one after the other, so that they always add up."""
    text, done, sum_so_far = "", 0, 0.0
    for which, (_, mark, colour) in enumerate(MARKS):
        sum_so_far += share(cpu, which)
        cells = round(sum_so_far * width) - done
        done += cells
        text += render.paint(mark * cells, colour)
    return text


def _busiest(found, seconds, most=8):
    """The lines with most interrupts."""
    lines = sorted((line for line in found["lines"] if line["count"]), key=lambda line: -line["count"])
    if not lines:
        return []
    rows = []
    for line in lines[:most]:
        on = cpu_list([cpu for cpu, count in enumerate(line["per_cpu"]) if count])
        rows.append([line["irq"], line["name"], human_count(line["count"]), human_count(line["count"] / seconds), on])
    text = render.table([">IRQ", "device", ">count", ">/s", "on CPUs"], rows).splitlines()
    more = len(lines) - most
    return [*text, f"... and {more} more lines"] if more > 0 else text


def _drivers(found):
    """What devices of drivers in Python have done, and what their drivers have counted."""
    numbers = [", ".join(f"{what} {human_count(value)}" for what, value in one["numbers"].items()) for one in found["drivers"]]
    rows = [[one["name"], told_of_device(one), text] for one, text in zip(found["drivers"], numbers, strict=True)]
    return ["", *render.table(["driver", "its device", "its numbers"], rows).splitlines()] if rows else []


def _orders(found, most=20):
    """What orders were answered."""
    if found["orders"]:
        yield ""
    for one in found["orders"][:most]:
        yield f"at {human_ns(one['time_ns'])}: {told(one)}"
    if len(found["orders"]) > most:
        yield f"... and {len(found['orders']) - most} more orders (--json has all)"


def _not_reached(scenario, found):
    """Orders whose moment comes after the run."""
    count = sum(order.time > found["simulated_ns"] for order in scenario.all("at"))
    if count:
        end = human_ns(found["simulated_ns"])
        yield f"not carried out: {human_count(count)} of [[at]], whose time comes after the end at {end}"
