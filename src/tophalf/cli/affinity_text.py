"""The words of `tophalf affinity`."""

from tophalf.cli.render import paint, printable
from tophalf.host.cpumask import format_mask
from tophalf.vocab import cpu_list, human_ns

CONFIGS = ("/etc/default/irqbalance", "/etc/sysconfig/irqbalance")  # Debian and Ubuntu; Fedora, RHEL and SUSE


def shown(label, rows, daemon):
    """Lines as they are."""
    blocks = [_shown_row(row) for row in rows]
    return "\n".join([paint(printable(label), "bold"), *blocks, *_irqbalance_shown(daemon)])


def _shown_row(row):
    node = "none (-1)" if row["node"] == -1 else _said(row["node"])
    hint = row["affinity_hint"]
    managed = {True: "yes", False: "no", None: "not known"}.get(row["managed"], row["managed"])
    pairs = [
        ("chip", " ".join(str(part) for part in (row["chip"], row["hwirq"], row["trigger"]) if part is not None) or "not recorded"),
        ("affinity", _cpus(row["affinity"])),
        ("effective_affinity", _cpus(row["effective_affinity"])),
        ("affinity_hint", "none set by the driver" if hint == [] else _cpus(hint)),
        ("node", node),
        ("managed", managed + (f": {_evidence(row['managed_evidence'])}" if row["managed_evidence"] else "")),
    ]
    if row["fixed"] and row["managed"] is not True:
        pairs.append(("cannot be moved", row["fixed"]))
    return "\n".join([_name(row), *(f"  {name:20}{printable(text)}" for name, text in pairs)])


def _evidence(evidence):
    return evidence if isinstance(evidence, str) else "; ".join(map(str, evidence))


def _name(row):
    actions = ", ".join(row["actions"])
    return paint(printable(f"IRQ {row['irq']}" + (f" ({actions})" if actions else "")), "bold")


def _cpus(cpus):
    return "not recorded" if cpus is None else f"{cpu_list(cpus) or 'none'}  (mask {format_mask(cpus)})"


def _said(value):
    return "not recorded" if value is None else str(value)


def planned(rows):
    """What would be written."""
    lines = []
    for row in rows:
        now = "not known" if row["before"] is None else cpu_list(row["before"])
        lines.append(f"{_name(row)}: would write {row['text']} to {row['path']} ({now} -> {cpu_list(row['after'])})")
        if row["refused"]:
            lines.append(paint(printable(f"  it would be refused: {row['refused']}"), "red"))
    return "\n".join([*lines, "nothing was written"])


def changed(rows, daemon, notation, why_not):
    """What was done, what it did, how to take it back."""
    lines = [line for row in rows for line in _changed_row(row, notation)]
    if why_not and any(row["written"] for row in rows):
        lines.append(paint(f"the change could not be kept for --undo: {why_not}", "yellow"))
    return "\n".join([*lines, *_irqbalance_changed(daemon)])


def _changed_row(row, notation):
    if row["refused"]:
        return [paint(printable(f"refused: {row['refused']}"), "red")]
    head = f"{_name(row)}: {_cpus(row['before'])} -> {_cpus(row['after'])}"
    how = {"undo": ", restored"}.get(notation, f", read as a {notation}")
    if not row["written"]:
        head = f"{_name(row)}: already {_cpus(row['after'])}, nothing written"
    lines = [head + how, "  " + _verdict(row)]
    if row["written"]:
        lines.append(f"  undo: {_undo(row, notation)}")
    return lines


def _undo(row, notation):
    if row["undo_left"] is None:
        return f"tophalf affinity {row['irq']} --list {cpu_list(row['before'])}"
    if notation == "undo" and not row["undo_left"]:
        return "none left, this is what was there before the first change"
    steps = f"  ({row['undo_left']} changes kept)" if row["undo_left"] > 1 else ""
    return f"tophalf affinity --undo {row['irq']}{steps}"


def _verdict(row):
    seconds = human_ns(row["watched_ns"])
    colour, text = {
        "landed": ("green", f"lands there: {_landed(row)} in {seconds}"),
        "carrier": ("green", f"moved: one interrupt on {_on(row)} took the move along; the next lands on {_target(row)}"),
        "outside": ("red", f"still outside the mask: {_landed(row)} in {seconds}; {_effective(row)}"),
        "quiet": ("yellow", f"not proven: no interrupt in {seconds}; {_quiet(row)}"),
        "overridden": ("red", f"the mask reads {_cpus(row['affinity_now'])} now: something else wrote it, or the chip narrowed it"),
        "unwatched": ("yellow", f"not watched, so nothing is proven; {_effective(row)}"),
    }[row["verdict"]]
    return paint(text, colour)


def _landed(row):
    inside = [f"{count} on CPU {cpu}" for cpu, count in row["per_cpu"].items() if int(cpu) in row["after"]]
    outside = [f"{count} on CPU {cpu}, outside" for cpu, count in row["per_cpu"].items() if int(cpu) not in row["after"]]
    moving = ", before the move" if row["verdict"] == "landed" and outside else ""
    return "interrupts: " + "; ".join([*inside, *(text + moving for text in outside)])


def _on(row):
    return ", ".join(f"CPU {cpu}" for cpu in row["per_cpu"])


def _target(row):
    return f"CPU {cpu_list(row['effective_after'])}"


def _effective(row):
    before, after = row["effective_before"], row["effective_after"]
    if after is None:
        return "effective_affinity is not recorded by this kernel"
    if before == after:
        return f"effective_affinity is still {cpu_list(after)}"
    return f"effective_affinity went from {cpu_list(before)} to {cpu_list(after)}"


def _quiet(row):
    after = row["effective_after"]
    if after and set(after) <= set(row["after"]):
        kept = row["effective_before"] == after
        return _effective(row) + (", inside the mask: nothing had to move" if kept else ", so the next one should land there")
    return _effective(row) + ": the line moves with its next interrupt, which still lands on the old CPU"


def _irqbalance_shown(daemon):
    if daemon["running"] is None:
        return ["irqbalance: not known, the process list is not recorded"]
    if not daemon["running"]:
        return ["irqbalance: not running"]
    banned = f"; told to leave {_irqs(daemon['banned'])} alone" if daemon["banned"] else ""
    free = f"; may move {_irqs(daemon['not_banned'])}" if daemon["not_banned"] else ""
    return [f"irqbalance: running (pid {daemon['pid']}, every {daemon['interval_s']} s){banned}{free}"]


def _irqbalance_changed(daemon):
    """What irqbalance will do about it, and how to keep it off. Only said where it runs and may move a changed line."""
    if not daemon["running"]:
        return []
    if not daemon["not_banned"]:
        return [f"irqbalance (pid {daemon['pid']}) was told to leave {_irqs(daemon['banned'])} alone"] if daemon["banned"] else []
    started = [word for word in daemon["arguments"] if word not in ("--foreground", "-f")]  # its unit file gives that one
    words = " ".join([*started, *(f"--banirq={irq}" for irq in daemon["not_banned"])])
    return [
        paint(f"irqbalance runs (pid {daemon['pid']}, every {daemon['interval_s']} s) and was not told to leave "
              f"{_irqs(daemon['not_banned'])} alone:", "yellow"),
        "  the mask may stay until its own load model wants a move, and it is overwritten one interval after irqbalance",
        "  starts or scans again (a new device, a CPU that comes or goes). To keep it, ban the line:",
        f"    put IRQBALANCE_ARGS=\"{words}\" into {CONFIGS[0]} ({CONFIGS[1]} on Fedora, RHEL, SUSE)",
        "    systemctl restart irqbalance",
        "  its restart places all other lines anew after one interval. irqbalance-ui bans a line without a restart, until",
        "  the next one. To undo the ban take the --banirq out again and restart.",
    ]  # fmt: skip


def _irqs(irqs):
    return f"IRQ {', '.join(map(str, irqs))}"
