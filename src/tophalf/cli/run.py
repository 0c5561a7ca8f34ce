"""`tophalf run`: run a scenario on the model and say what it came to."""

import os

from tophalf.cli import render
from tophalf.cli.options import command_parser, print_json


def parser():
    """Options of `tophalf run`."""
    from tophalf.cli.trace import duration_ns

    options = command_parser("run", __doc__.split(": ", 1)[1], "tophalf run 10gbe-napi --set nic.rx_usecs=50", machine=False)
    options.add_argument("scenario", metavar="SCENARIO", help="one of tophalf scenarios, a TOML file, or a driver in Python")
    options.add_argument("--seconds", type=float, metavar="N", help="simulated time (default: what the scenario says)")
    options.add_argument("--seed", type=int, default=0, metavar="N", help="of all random numbers: same seed, same run (default 0)")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the scenario: nic.rx_usecs=50")
    options.add_argument("--save", metavar="FILE", help="write a recording, as `tophalf record` does of a host")
    options.add_argument("--force", action="store_true", help="overwrite FILE")
    options.add_argument("--narrate", type=duration_ns, metavar="TIME", help="tell the first 50us, 2ms, ... event by event instead")
    return options


def run(args):
    """Run it and print the outcome. Returns the exit status: 1 when something is wrong with a driver in it."""
    from tophalf.scenario.load import load_scenario

    _check_options(args)
    scenario = load_scenario(args.scenario, args.set)
    if args.narrate is not None:
        from tophalf.cli.narrate import narrate

        return narrate(args, scenario)
    done, cut = _simulated(args, scenario)
    render.progress("")
    if args.json:
        saved = {"saved": {"path": args.save, "size_bytes": os.path.getsize(args.save), "cut": cut}} if args.save else {}
        print_json(done.as_dict() | saved)
    else:
        _show(scenario, done)
        if args.save:
            print("\n" + render.paint(f"{args.save}: {os.path.getsize(args.save) / 1e6:.1f} MB{f'; {cut}' if cut else ''}", "bold"))
    return 1 if done.reports() else 0


def _check_options(args):
    """Raises: TophalfError for an option that would change nothing."""
    from tophalf.errors import TophalfError

    if args.narrate is not None and (args.save or args.seconds is not None):
        name = "--save" if args.save else "--seconds"
        raise TophalfError(f"{name} and --narrate do different things", do="give one of them")
    if args.force and not args.save:
        raise TophalfError("--force is for --save", do="add --save FILE, or leave it out")


def _simulated(args, scenario):
    """(Run, what of the saved trace was cut off or None)."""
    from tophalf.cli.waiting import get_ready, progress

    if args.save:
        from tophalf.cli.simulated import save_run

        return save_run(args.save, scenario, args.seed, args.seconds, True, progress, args.force)
    from tophalf.model.simulate import simulate

    get_ready()
    return simulate(scenario, args.seed, args.seconds, progress=progress), None


def _show(scenario, done):
    from tophalf.cli.report_text import report_text
    from tophalf.cli.run_text import run_text

    found = done.as_dict()
    print(run_text(scenario, found))
    for report in done.reports():
        print("\n" + report_text(report))
    if found["reports_lost"]:
        print(f"\n{found['reports_lost']:,} more were not kept")
    if done.ended:
        print("\nthat ended the run")
