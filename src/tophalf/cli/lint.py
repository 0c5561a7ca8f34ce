"""`tophalf lint`: hold a driver written in Python against the kernel's rules, on every path, before it runs."""

from tophalf.cli import render
from tophalf.cli.lint_explore import document, explore_driver, merged, notes_of
from tophalf.cli.options import command_parser, print_json
from tophalf.cli.report_text import report_text
from tophalf.errors import TophalfError


def parser():
    """Options of `tophalf lint`."""
    options = command_parser("lint", __doc__.split(": ", 1)[1], "tophalf lint --explore examples/sensor.py", machine=False)
    options.add_argument("drivers", metavar="DRIVER.py", nargs="*", help="a driver's file; docs/drivers.md says what it may hold")
    what = "run it too: N times, with interrupts at awkward moments (without N: each of them once)"
    options.add_argument("--explore", nargs="?", const="0", metavar="N", help=what)
    return options


def run(args):
    """Look at each. Returns the exit status: 0 nothing was found, 1 something was, 2 one is no driver, or could not be run."""
    from tophalf.driver.lint import lint_driver
    from tophalf.driver.subset import parse_driver

    looked, unread, ran = [], [], {}
    drivers, runs = _asked(args)
    for path in drivers:
        driver = parse_driver(path)
        unread += driver.faults
        reports, notes = ([], []) if driver.faults else lint_driver(driver)
        if runs is not None and not driver.faults:
            ran[path] = explore_driver(path, runs or None)
            reports, notes = merged(reports, ran[path][0]), [*notes, *notes_of(*ran[path])]
        looked.append((path, driver, reports, notes))
    if args.json:
        print_json({"drivers": [_document(*each) | _explored(ran, each[0]) for each in looked]})
    else:
        print("\n".join(_lines(*each) for each in looked))
    not_done = any(explored is None or explored.errors for explored, _ in ran.values())
    return 2 if unread or not_done else 1 if any(reports for _, _, reports, _ in looked) else 0


def _asked(args):
    """(drivers, runs): what stands behind --explore is a driver unless it is a number. runs: None for none, 0 for each moment once.

    Raises: TophalfError.
    """
    drivers, runs = list(args.drivers), args.explore
    if runs is not None and not runs.removeprefix("-").isdecimal():
        drivers, runs = [runs, *drivers], "0"
    if not drivers:
        raise TophalfError("no driver is named", do="name one: tophalf lint examples/sensor.py")
    if runs is not None and int(runs) < 0:
        raise TophalfError(f"{runs} runs", "--explore", "give a number of runs, or none for each moment once")
    return drivers, None if runs is None else int(runs)


def _document(path, driver, reports, notes):
    """docs/json.md describes it."""
    faults = [{"where": fault.where, "what": fault.what, "do": fault.do} for fault in driver.faults]
    return {"driver": str(path), "outside_the_subset": faults, "reports": [report.as_dict() for report in reports], "notes": notes}


def _explored(ran, path):
    return {"explored": document(*ran[path])} if path in ran else {}


def _lines(path, driver, reports, notes):
    lines = [render.printable(fault.line()) for fault in driver.faults]
    lines += map(report_text, reports)
    if not lines:
        where = "on any path" if not notes else "in what was looked at, or run"
        lines = [render.paint(f"{render.printable(str(path))}: nothing found {where}", "green")]
    return "\n".join([*lines, *(render.paint(f"  note: {note}", "yellow") for note in notes)])
