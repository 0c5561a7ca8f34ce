"""`tophalf affinity IRQ [CPUS]`: show where an interrupt may be delivered, set it, see where it lands, take it back."""

from tophalf.cli import affinity_text, cpunotation
from tophalf.cli.load import machine_head
from tophalf.cli.options import command_parser, print_json
from tophalf.cli.simulated import open_named
from tophalf.errors import MachineError, SteerError
from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.steer.targets import find_target, named

WAIT_S = 2.0

DESCRIPTION = f"""Show where an interrupt may be delivered, or set it, wait for interrupts and say where they land.

IRQ is a number, an action name (eth0-rx-0), a device (eth0, nvme0, vda, virtio2, 0000:00:03.0: all its interrupts), a glob
('eth0-*') or part of a name. Where several lines fit, a change asks for --all.

{cpunotation.HELP}

A new mask reads back at once, but without interrupt remapping the line moves with its next interrupt, which still lands on
the old CPU; a quiet line never moves. So the counters are watched, up to --wait seconds, and the answer says what they show.

Each change is kept (/var/lib/tophalf for root; TOPHALF_STATE names another file). --undo IRQ takes the newest change of a
line back, again the one before; --undo alone takes back the newest command; --undo --all goes back to before the first. It
refuses when the boot, the device or the action behind the number is another. Exit status: 0 accepted, 1 interrupts still
land outside the mask or some lines were refused, 2 nothing could be done."""


def parser():
    """Options of `tophalf affinity`."""
    options = command_parser("affinity", DESCRIPTION, "sudo tophalf affinity eth0-rx-0 2-3", machine=False)
    options.add_argument("irq", nargs="?", metavar="IRQ", help="which interrupt")
    options.add_argument("cpus", nargs="?", metavar="CPUS", help="where to deliver it; left out: show")
    options.add_argument("--list", metavar="CPUS", help="CPUS as a list, whatever it looks like")
    options.add_argument("--mask", metavar="CPUS", help="CPUS as a hex mask, whatever it looks like")
    options.add_argument("--all", action="store_true", help="change every line that fits; with --undo: all changes")
    options.add_argument("--wait", type=float, default=WAIT_S, metavar="S", help=f"watch so long at most (default {WAIT_S:g})")
    options.add_argument("--undo", action="store_true", help="take a change back")
    options.add_argument("--dry-run", action="store_true", help="print what would be written and write nothing")
    options.add_argument("--machine", metavar="M", help="show what is recorded in a directory, tar or recording")
    # `affinity 38 --dry-run 0-1`: argparse binds an optional positional to nothing before it sees the rest.
    options.parse_args = options.parse_intermixed_args
    return options


def run(args):
    """Show, set or undo. Returns the exit status."""
    _check_options(args)
    machine = open_named(args.machine, events=False)
    if not machine.moments:
        raise MachineError("is a trace alone: masks are not recorded in it", machine.label)
    cpus, notation = _cpus(args)
    if args.undo or cpus:
        _need_live(machine)
    if args.undo:
        return _undo(args, machine)
    return _set(args, machine, cpus, notation) if cpus else _show(args, machine)


def _check_options(args):
    given = [text for text in (args.cpus, args.list, args.mask) if text is not None]
    if len(given) > 1:
        raise SteerError("CPUS is given more than once", do="give it once: IRQ CPUS, or --list CPUS, or --mask CPUS")
    if args.undo and given:
        raise SteerError("--undo takes no CPUS: it restores what was there", do="`tophalf affinity --undo IRQ`")
    if args.irq is None and not args.undo:
        raise SteerError("which interrupt?", do="name one, as in `tophalf affinity eth0`; `tophalf irqs` lists them")
    if not 0 <= args.wait <= 3600:
        raise SteerError(f"--wait {args.wait:g} is not between 0 and 3600 seconds")


def _cpus(args):
    """(CPUs or None, how they were read)."""
    if args.list is not None:
        return cpunotation.read_list(args.list), "list"
    if args.mask is not None:
        return cpunotation.read_mask(args.mask), "mask"
    return cpunotation.read_cpus(args.cpus) if args.cpus is not None else (None, None)


def _need_live(machine):
    if not machine.live:
        raise SteerError("a recording cannot be steered", machine.label, "leave --machine out to steer this host")


def _show(args, machine):
    from tophalf.cli.affinity_rows import irqbalance_row, line_rows

    interrupts = read_interrupts(machine.moments[-1][1])
    target = find_target(machine.facts_root, interrupts, args.irq)  # where sysfs is
    rows, facts = line_rows(machine, interrupts, target.irqs)
    daemon = irqbalance_row(facts, target.irqs)
    if args.json:
        print_json({"machine": machine_head(machine), "irqs": rows, "irqbalance": daemon})
    else:
        print(affinity_text.shown(machine.label, rows, daemon))
    return 0


def _set(args, machine, cpus, notation):
    from tophalf.host.steer.change import set_lines

    root = machine.moments[0][1]
    interrupts = read_interrupts(root)
    irqs = _one_or_all(args, interrupts, find_target(root, interrupts, args.irq))
    if args.dry_run:
        return _print_planned(args, machine, interrupts, dict.fromkeys(irqs, cpus))
    state, why_not = _state_or_why()
    try:
        outcomes = set_lines(root, interrupts, irqs, cpus, state, args.wait)
    finally:
        if state:
            state.__exit__()
    return _answer(args, machine, interrupts, outcomes, notation, why_not)


def _state_or_why():
    """(entered State, "") or (None, why changes cannot be kept): a rescue system with a read-only disk can still steer."""
    from tophalf.host.steer.undo import State, StateError

    try:
        return State().__enter__(), ""
    except StateError as error:
        return None, error.line()


def _one_or_all(args, interrupts, target):
    if len(target.irqs) > 1 and not args.all:
        raise SteerError(
            f"{target.word!r} fits {len(target.irqs)} interrupts: {named(interrupts, target.irqs)}",
            do="name one by its number, or add --all to change them all",
        )
    return target.irqs


def _undo(args, machine):
    from tophalf.host.steer.change import restore_lines
    from tophalf.host.steer.undo import State, boot_id, to_undo

    root = machine.moments[0][1]
    interrupts = read_interrupts(root)
    irqs = None if args.irq is None else _undo_irqs(root, interrupts, args.irq)
    if args.dry_run:
        state = State()
        state.load()
        entries = to_undo(state, boot_id(root), irqs, args.all)
        return _print_planned(args, machine, interrupts, {entry["irq"]: tuple(entry["before"]) for entry in entries})
    with State() as state:
        entries = to_undo(state, boot_id(root), irqs, args.all)
        outcomes = restore_lines(root, interrupts, entries, state, args.wait)
    return _answer(args, machine, interrupts, outcomes, "undo", "")


def _undo_irqs(root, interrupts, word):
    """A number is taken as it is: its line may be gone by now, which the restore itself reports."""
    return {int(word)} if word.isascii() and word.isdigit() else set(find_target(root, interrupts, word).irqs)


def _print_planned(args, machine, interrupts, wanted):
    from tophalf.cli.affinity_rows import planned_rows

    rows = planned_rows(machine.moments[0][1], interrupts, wanted)
    if args.json:
        print_json({"machine": machine_head(machine), "dry_run": True, "changes": rows})
    else:
        print(affinity_text.planned(rows))
    refused = sum(row["refused"] is not None for row in rows)
    return 0 if not refused else 2 if refused == len(rows) else 1


def _answer(args, machine, interrupts, outcomes, notation, why_not):
    from tophalf.cli.affinity_rows import irqbalance_row, outcome_rows, read_daemons_of

    if len(outcomes) == 1 and outcomes[0].refused:
        raise outcomes[0].refused
    rows = outcome_rows(interrupts, outcomes)
    written = [row["irq"] for row in rows if row["written"] and not row["refused"]]
    daemon = irqbalance_row(read_daemons_of(machine), written)
    if args.json:
        head = machine_head(machine)
        head["notes"] += [f"the change could not be kept for --undo: {why_not}"] if why_not else []
        print_json({"machine": head, "understood_as": notation, "changes": rows, "irqbalance": daemon})
    else:
        print(affinity_text.changed(rows, daemon, notation, why_not))
    return _status(rows)


def _status(rows):
    refused = sum(row["refused"] is not None for row in rows)
    if refused == len(rows):
        return 2
    return 1 if refused or any(row["verdict"] in ("outside", "overridden") for row in rows) else 0
