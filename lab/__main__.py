"""python3 -m lab build|run|record|sequences: see the help of each."""

import argparse
import sys

from lab import devices, kernels
from lab.places import LabError


def build(options):
    """Make the emulator, the images and the kernels under .lab/."""
    from lab.build import build as build_all

    build_all(options.kernel and [options.kernel], options.update)
    return 0


def run(options):
    """Boot one guest, run each COMMAND in it, print what it said."""
    from lab.guest import Guest

    chosen = [name for name in options.devices.split(",") if name]
    with Guest(options.kernel or "6.12", chosen, append=options.append) as guest:
        if options.flood is not None:
            guest.flood(options.flood, 3600)
        worst = 0
        for command in options.command:
            result = guest.run(command, options.timeout)
            print(result.stdout, end="", flush=True)
            print(result.stderr, end="", file=sys.stderr, flush=True)
            worst = worst or (124 if result.status is None else result.status)
    return worst


def record(options):
    """Make the recordings named, or all, under .lab/recordings/."""
    from lab.recordings import record_all

    record_all(options.name)
    return 0


def sequences(options):
    """Play the known sequences and write the orders seen to tests/data/sequences/."""
    from lab.sequences import play, recorded

    for kernel in [options.kernel] if options.kernel else recorded.KERNELS:
        print(play.record(kernel, options.name), flush=True)
    return 0


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="Real kernels in QEMU for tophalf.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("build", help=build.__doc__)
    one.set_defaults(do=build)
    one.add_argument("--kernel", choices=sorted(kernels.META), help="only this one")
    one.add_argument("--update", action="store_true", help="ask apt for newer kernels")
    one = commands.add_parser("run", help=run.__doc__)
    one.set_defaults(do=run)
    one.add_argument("--kernel", choices=sorted(kernels.META), default="6.12")
    one.add_argument("--devices", default="multiqueue,e1000e,nvme,edu", help=f"some of {','.join(devices.SETS)}")
    one.add_argument("--append", default="", help="more words for the kernel's command line")
    one.add_argument("--flood", type=float, metavar="PPS", help="UDP to the guest all the time; 0: flat out")
    one.add_argument("--timeout", type=float, default=120, help="seconds for each command")
    one.add_argument("command", nargs="+", metavar="COMMAND", help="shell text; /project is the checkout")
    one = commands.add_parser("record", help=record.__doc__)
    one.set_defaults(do=record)
    one.add_argument("name", nargs="*")
    one = commands.add_parser("sequences", help=sequences.__doc__)
    one.set_defaults(do=sequences)
    one.add_argument("--kernel", choices=("6.12", "6.1"), help="only this one")
    one.add_argument("name", nargs="*", help="only these; the others' orders stay")
    return parser


def main():
    """Run one command; errors of the lab as one message."""
    options = arguments().parse_args()
    try:
        return options.do(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


sys.exit(main())
