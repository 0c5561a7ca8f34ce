"""Lines that misbehave by themselves: irq-storm and irq-unhandled."""

import re

from tophalf.frozen import Frozen
from tophalf.judge import thresholds as limits
from tophalf.judge.case import interrupt_share
from tophalf.judge.findings import (
    CRITICAL,
    INFORMATION,
    INTERRUPT,
    WARNING,
    Finding,
    Remedy,
    Subject,
    counted,
    percent,
    seen,
    severity_of,
)
from tophalf.judge.lines import is_storage, works_out_of_sight
from tophalf.judge.netnames import device_packets
from tophalf.judge.remedies import idlest, move_lines
from tophalf.judge.rule import Rule
from tophalf.vocab import human_count

# Vectors that carry a device's work; TIMER, SCHED, HRTIMER and RCU come with the clock whatever a device does.
WORK_VECTORS = ("HI", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET")


class Burst(Frozen):
    """A line in one interval. past: its rate outside of it, or None, and where that figure is from."""

    __slots__ = ("delta", "interval", "cpu", "past", "past_source")


def judge_storm(case):
    """One finding a line that rages with little work to show for it."""
    for view in case.lines:
        if view.rate * case.seconds < limits.STORM_RATE_MIN * 0.1 or works_out_of_sight(view.line) or is_storage(view.line):
            continue  # an NVMe queue completes its requests in the handler: no softirq tells of its work
        burst = _worst_burst(case, view.key)
        if burst and _is_storm(case, burst, view):
            yield _storm_finding(case, view, burst)


def _worst_burst(case, key):
    intervals = [each for each in case.series.intervals if each.lines and key in each.lines and each.span_ns > 0]
    if not intervals:
        return None
    worst = max(intervals, key=lambda interval: interval.lines[key].rate)
    delta = worst.lines[key]
    cpu = max(delta.by_cpu, key=delta.by_cpu.get, default=None)
    others = sorted(each.lines[key].rate for each in intervals if each is not worst)
    if len(others) >= 2:
        past, source = others[len(others) // 2], f"the median of the other {len(others)} intervals"
    else:
        past, source = case.rate_before(key), "its mean since boot"
    return Burst(delta=delta, interval=worst, cpu=cpu, past=past, past_source=source)


def _is_storm(case, burst, view):
    if burst.cpu is None or burst.delta.rate < limits.STORM_RATE_MIN:
        return False
    level = view.line.trigger in ("level", "fasteoi")
    # A message is sent once an event, so an edge line that wakes tasks does work; an asserted level line repeats itself.
    work = _work(burst) + (0 if level else _extra_switches(case, burst)) + _packets(case, burst, view)
    if work > burst.delta.count * limits.STORM_WORK_RATIO_MAX:
        return False
    if burst.past is not None and burst.delta.rate >= limits.STORM_PAST_RATIO * burst.past:
        return True
    # As high before: only a rate that no device needs is a storm by itself, lower still for a line that stays asserted.
    return burst.delta.rate >= (limits.STORM_RATE_MIN if level else limits.STORM_RATE_STEADY)


def _work(burst):
    """Softirqs with a device's work on the CPUs where the line landed, during the burst."""
    tables = burst.interval.softirqs or {}
    return sum(tables.get(vector, {}).get(cpu, 0) for vector in WORK_VECTORS for cpu in burst.delta.by_cpu)


def _packets(case, burst, view):
    """A queue's part of the packets that its network device counted, in the time of the burst, whoever delivered them."""
    received, exact = device_packets(case, [view])
    if not exact or not case.seconds:
        return 0
    lines = sum(other.source.device == view.source.device for other in case.lines)
    return received / case.seconds * burst.interval.seconds / lines


def _extra_switches(case, burst):
    """Context switches of the burst beyond what the other intervals had in the same time; all of them without others."""
    others = sorted(each.rate(each.context_switches) for each in case.series.intervals
                    if each is not burst.interval and each.context_switches is not None)  # fmt: skip
    usual = others[len(others) // 2] * burst.interval.seconds if others else 0
    return max(0, (burst.interval.context_switches or 0) - usual)


def _storm_finding(case, view, burst):
    rate, seconds = burst.delta.rate, burst.interval.seconds
    cost = min(1.0, max(rate * limits.STORM_INTERRUPT_NS / 1e9, interrupt_share(burst.interval, burst.cpu)))
    evidence = [
        counted(f"{view.label} on CPU{burst.cpu}", burst.delta.count, seconds, "/proc/interrupts", "interrupts"),
        seen(f"work softirqs on that CPU in the same {seconds:.3g} s: {human_count(_work(burst))}", "/proc/softirqs"),
    ]
    if burst.past is not None:
        evidence.append(seen(f"{burst.past_source} is {human_count(burst.past)}/s", "/proc/interrupts"))
    return Finding(
        rule="irq-storm",
        severity=severity_of(cost, limits.COST_WARNING, limits.COST_CRITICAL),
        title=f"{view.label} storms at {human_count(rate)}/s on CPU{burst.cpu} with almost no work done",
        subject=Subject(irqs=(view.irq,), cpus=(burst.cpu,), device=view.source.device),
        evidence=(*evidence, *_time_evidence(burst), *_claim_evidence(view)),
        remedies=_storm_remedies(case, view, burst.cpu),
        cost=cost,
        stage=INTERRUPT,
        step=f"{view.label} {human_count(rate)}/s",
    )


def _time_evidence(burst):
    times = (burst.interval.cpu_times or {}).get(burst.cpu)
    if times is None:
        return []
    text = f"CPU{burst.cpu}: {percent(times.lost_share)} of that time is in no column (ticks that could not run), "
    return [seen(f"{text}{percent(times.share('irq', 'softirq'))} in irq and softirq", "/proc/stat")]


def _claim_evidence(view):
    spurious = view.after.spurious if view.after else None
    if spurious is None or spurious.unhandled >= limits.UNHANDLED_COUNT_MIN or spurious.last_unhandled_ms != _before(view):
        return []
    text = "`unhandled` did not move: some handler claims these interrupts without quieting its device"
    return [seen(text, f"/proc/irq/{view.irq}/spurious")]


def _before(view):
    return view.before.spurious.last_unhandled_ms if view.before and view.before.spurious else None


def _storm_remedies(case, view, cpu):
    remedies = [
        Remedy(
            commands=("tophalf record /tmp/storm.tophalf --seconds 2", "tophalf trace /tmp/storm.tophalf"),
            why="which of the line's handlers claims the interrupts, and how long each takes",
            risk="two seconds of tracing; at this rate some events may be lost, and are counted",
            undo="rm /tmp/storm.tophalf",
        )
    ]
    unbind = unbind_remedy(case, view)
    other = idlest(case, but=(cpu,))
    moved = move_lines(case, [(view, other)], "contains the storm on a CPU that can be spared") if other is not None else None
    return tuple(remedy for remedy in (unbind, *remedies, moved if view.movable else None) if remedy)


def unbind_remedy(case, view):
    """Take the device from its driver, where PCI facts name both."""
    pci = case.facts.pci.get(view.irq) if case.facts and case.facts.pci else None
    if pci is None or not pci.address or not pci.driver:
        return None
    folder = f"/sys/bus/pci/drivers/{pci.driver}"
    return Remedy(
        commands=(f"echo {pci.address} > {folder}/unbind",),
        why=f"stops the device {pci.address} that drives the line",
        risk="the device is gone until it is bound again: not for a disk or network in use",
        undo=f"echo {pci.address} > {folder}/bind",
    )


IRQ_STORM = Rule(
    id="irq-storm",
    needs=("rates", "softirqs"),
    judge=judge_storm,
    meaning="""A line interrupts far more often than ever before, or than its device can need, and little work comes of
        it: a device that is not quieted, a handler that says handled without looking, a broken level line.""",
    evidence="""The line's worst interval and its CPU (/proc/interrupts), work softirqs on that CPU meanwhile
        (/proc/softirqs), time that no column of /proc/stat holds (ticks that could not run).""",
    threshold=f"""At least {limits.STORM_RATE_MIN:,}/s in an interval, fewer than one work softirq (or, on an edge line,
        additional context switch; or packet of its network device) in {1 / limits.STORM_WORK_RATIO_MAX:.0f} interrupts, and
        {limits.STORM_PAST_RATIO} times the line's own past (or level-triggered, or over {limits.STORM_RATE_STEADY:,}/s).
        Severity by share of the CPU, counted as time in irq and softirq, lost ticks,
        or {limits.STORM_INTERRUPT_NS / 1000:g} µs an interrupt.
        Storage queues, RDMA and lines passed to a guest or user space are not judged: their work leaves no softirq.""",
    remedy="""Find the handler with `tophalf trace`, unbind or update its driver, confine the line to one CPU.""",
    refute="""Work that leaves no softirq: a handler that does everything itself (look at the device's own counters), or a
        guest or user-space driver behind the line.""",
)


_NOBODY = re.compile(r"irq (\d+): nobody cared")
_DISABLED = re.compile(r"Disabling IRQ #(\d+)")
_HANDLER = re.compile(r"\[<[0-9a-f(p)\s]+>\] (\S+)(?: \[(\w+)\])?")


class Complaint(Frozen):
    """What the kernel log says of one line. handlers: (function, module or None) that were asked in vain."""

    __slots__ = ("irq", "disabled", "handlers", "fresh")


def read_complaints(case):
    """{irq: Complaint} from the kernel log, the latest of each."""
    fresh = {(line.time_us, line.text) for line in case.fresh_log()}
    found, irq = {}, None
    for line in (case.last.log if case.last else None) or ():
        nobody, disabled, handler = (each.search(line.text) for each in (_NOBODY, _DISABLED, _HANDLER))
        if nobody:
            irq = int(nobody[1])
            found[irq] = Complaint(irq=irq, disabled=False, handlers=(), fresh=(line.time_us, line.text) in fresh)
        elif disabled:
            number = int(disabled[1])
            known = found.get(number) or Complaint(irq=number, handlers=(), fresh=False)
            found[number] = known.replace(disabled=True)
            irq = None
        elif handler and irq is not None:
            found[irq] = found[irq].replace(handlers=(*found[irq].handlers, (handler[1], handler[2])))
    return found


def judge_unhandled(case):
    """One finding a line that the kernel gave up, or that mostly nobody claims."""
    complaints = read_complaints(case)
    for view in case.lines:
        if view.irq in complaints:
            yield _given_up(case, view, complaints[view.irq])
        else:
            yield from _mostly_unhandled(case, view)


def _given_up(case, view, complaint):
    moved = _last_unhandled_moved(view)
    counts_again = _last_rate(case, view.key) > 0
    severity = CRITICAL if moved or complaint.fresh else INFORMATION if counts_again else WARNING
    state = "was disabled by the kernel" if complaint.disabled else "has interrupts that nobody handles"
    if counts_again and not moved:
        state += ", and counts again since"
    log = f"irq {view.irq}: nobody cared" + (f"; Disabling IRQ #{view.irq}" if complaint.disabled else "")
    evidence = [seen(log, "kernel log"), counted(view.label, view.count, case.seconds, "/proc/interrupts", "interrupts")]
    if moved:
        last = f"last_unhandled moved from {_before(view)} to {view.after.spurious.last_unhandled_ms} ms"
        evidence.append(seen(f"{last}; count stands at {view.after.spurious.count}", f"/proc/irq/{view.irq}/spurious"))
    if complaint.handlers:
        names = ", ".join(f"{name} [{module}]" if module else name for name, module in complaint.handlers)
        evidence.append(seen(f"handlers that did not claim it: {names}", "kernel log"))
    return Finding(
        rule="irq-unhandled",
        severity=severity,
        title=f"{view.label} {state}: its devices now work by polling ten times a second, or not at all"
        if complaint.disabled and not counts_again
        else f"{view.label} {state}",
        subject=Subject(irqs=(view.irq,), cpus=tuple(view.by_cpu), device=view.source.device),
        evidence=tuple(evidence),
        remedies=_unhandled_remedies(case, view, complaint.handlers),
        cost=1.0 if severity == CRITICAL else 0.0,
        stage=INTERRUPT,
        step=f"{view.label} unhandled",
    )


def _last_unhandled_moved(view):
    if not (view.before and view.after and view.before.spurious and view.after.spurious):
        return False
    return view.after.spurious.last_unhandled_ms != view.before.spurious.last_unhandled_ms


def _last_rate(case, key):
    rates = [rate for rate in case.series.line_rates(key)[-1:] if rate]
    return rates[-1] if rates else 0.0


def _mostly_unhandled(case, view):
    if not _last_unhandled_moved(view) or view.count < limits.UNHANDLED_COUNT_MIN:
        return
    unhandled = view.after.spurious.unhandled - view.before.spurious.unhandled
    share = unhandled / view.count
    if unhandled < limits.UNHANDLED_COUNT_MIN or share < limits.UNHANDLED_SHARE_INFORMATION:
        return
    source = f"/proc/irq/{view.irq}/spurious"
    yield Finding(
        rule="irq-unhandled",
        severity=WARNING if share >= limits.UNHANDLED_SHARE_WARNING else INFORMATION,
        title=f"{view.label}: no handler claims {percent(share)} of its interrupts",
        subject=Subject(irqs=(view.irq,), cpus=tuple(view.by_cpu), device=view.source.device),
        evidence=(
            counted("unhandled", unhandled, case.seconds, source),
            counted(view.label, view.count, case.seconds, "/proc/interrupts", "interrupts"),
        ),
        remedies=_unhandled_remedies(case, view, ()),
        cost=view.rate * limits.STORM_INTERRUPT_NS / 1e9,
        stage=INTERRUPT,
        step=f"{view.label} {percent(share)} unhandled",
    )


def _unhandled_remedies(case, view, handlers):
    modules = sorted({module for _, module in handlers if module})
    reload_commands = tuple(f"modprobe -r {module} && modprobe {module}" for module in modules)
    remedies = [unbind_remedy(case, view)]
    if reload_commands:
        remedies.append(
            Remedy(
                commands=reload_commands,
                why="requests the line anew, which enables it, with its devices reset",
                risk="the drivers' devices are away meanwhile; the fault comes back if the hardware or driver is at fault",
                undo=None,
            )
        )
    remedies.append(
        Remedy(
            commands=("# add irqpoll to the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub; update-grub)",),
            why="after a boot with irqpoll every handler is asked at every unclaimed interrupt and timer tick",
            risk="costs CPU time at each interrupt; a crutch while a driver or BIOS is at fault",
            undo="take irqpoll off the command line",
        )
    )
    return tuple(remedy for remedy in remedies if remedy)


IRQ_UNHANDLED = Rule(
    id="irq-unhandled",
    needs=("rates",),
    judge=judge_unhandled,
    meaning="""Interrupts that no handler claims. After 99,900 of 100,000 the kernel disables the line and polls its
        handlers ten times a second (kernel/irq/spurious.c): the devices behind it crawl or stand still.""",
    evidence="""The kernel log ("nobody cared", "Disabling IRQ", the handlers asked), last_unhandled and unhandled in
        /proc/irq/N/spurious. `count` and `unhandled` go back to zero when the line is disabled; last_unhandled stays.""",
    threshold=f"""Disabled: critical when it happened between the samples (last_unhandled moved, or the log line is new),
        a warning when it lies further back, information when the line counts again. Not disabled: at least
        {limits.UNHANDLED_COUNT_MIN:,} unclaimed, a warning from {limits.UNHANDLED_SHARE_WARNING:.0%} of the line's
        interrupts, information from {limits.UNHANDLED_SHARE_INFORMATION:.0%}.""",
    remedy="""Reload or unbind the drivers that were asked; as a crutch boot with irqpoll.""",
    refute="""A driver that was reloaded since: then the line is enabled again and counts. One or a few unhandled
        interrupts on a shared line are normal.""",
)
RULES = (IRQ_STORM, IRQ_UNHANDLED)
