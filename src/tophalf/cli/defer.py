"""`tophalf defer`: say which bottom half fits some work, how its driver looks, and what the model measures of it."""

import sys

from tophalf.cli.options import command_parser, print_json

ARRIVALS_MAX = 100_000
GIVEN = ("sleeps", "work", "rate", "device", "latency", "per_cpu", "core", "kernel")


def parser():
    """Options of `tophalf defer`; without any of them it asks."""
    example = "tophalf defer --work 200us --rate 2k/s --latency 50us"
    options = command_parser("defer", __doc__.split(": ", 1)[1], example, machine=False)
    options.add_argument("--sleeps", action="store_true", help="the work sleeps: a mutex, GFP_KERNEL, a slow bus")
    options.add_argument("--work", metavar="TIME", help="what an interrupt's work takes of a CPU: 200us (default 20us)")
    options.add_argument("--rate", metavar="N", help="interrupts a second: 20k/s (default 1k)")
    devices = options.add_mutually_exclusive_group()
    for device, what in (("network", "the receive path of a network device"), ("block", "the completion of block I/O")):
        devices.add_argument(f"--{device}", dest="device", action="store_const", const=device, help=what)
    options.add_argument("--latency", metavar="TIME", help="so long after the interrupt it must begin: 50us (default: any time)")
    options.add_argument("--per-cpu", action="store_true", help="each CPU works for itself, several at a time")
    options.add_argument("--core", action="store_true", help="a part of the kernel itself, not a driver")
    options.add_argument("--kernel", metavar="VERSION", help="the oldest kernel that it must run on (default 6.12)")
    options.add_argument("--no-compare", action="store_true", help="only the answer: do not run the model")
    options.add_argument("--cases", action="store_true", help="the written cases instead: each answered and measured (a minute)")
    options.add_argument("--arrivals", type=int, metavar="N", help="of about so many each run is (default 1000)")
    options.add_argument("--seed", type=int, default=0, metavar="N", help="of the arrivals: same seed, same figures (default 0)")
    return options


def run(args):
    """Ask where nothing is given, and answer. Returns the exit status. Raises: TophalfError."""
    from tophalf.advise.tree import decide

    if args.cases:
        return _cases(args)
    needs = _needs(args)
    mechanism, path = decide(needs)
    found = _compared(args, needs)
    measured, lines = None, ()
    if found:  # what reads a comparison needs the model's libraries
        from tophalf.cli.defer_compare import comparison_document, comparison_lines

        measured, lines = comparison_document(found), comparison_lines(found, mechanism)
    if args.json:
        print_json(document(needs, mechanism, path) | {"comparison": measured})
    else:
        from tophalf.cli.defer_text import defer_text

        print(defer_text(needs, mechanism, path, lines))
    return 0


def _check_arrivals(args):
    """Raises: TophalfError for a number that says nothing, or is for nothing."""
    from tophalf.errors import TophalfError

    if args.arrivals is not None and args.no_compare:
        raise TophalfError("--arrivals is for the comparison", do="leave out --no-compare, or --arrivals")
    if args.arrivals is not None and not 10 <= args.arrivals <= ARRIVALS_MAX:
        raise TophalfError(f"{args.arrivals} are no number of arrivals to compare by", "--arrivals", f"give 10 to {ARRIVALS_MAX:,}")


def _cases(args):
    """Measure the written cases. Returns the exit status. Raises: TophalfError."""
    from tophalf.cli.defer_cases import ARRIVALS, cases_document, cases_text, measured_cases
    from tophalf.errors import TophalfError

    if args.no_compare or any(getattr(args, name) for name in GIVEN):
        raise TophalfError("--cases has the options of each case", do="give --cases alone, or with --arrivals, --seed, --json")
    _check_arrivals(args)
    arrivals = args.arrivals or ARRIVALS
    found = measured_cases(needs_of_options, arrivals, args.seed)
    if args.json:
        print_json(cases_document(found))
    else:
        print(cases_text(found, arrivals, args.seed))
    return 0


def needs_of_options(text):
    """Needs of a text of options. Raises: TophalfError."""
    args = parser().parse_args(text.split())
    return needs_of({name: getattr(args, name) or None for name in GIVEN})


def _compared(args, needs):
    """A Comparison, None where none is wanted. Raises: TophalfError."""
    _check_arrivals(args)
    if args.no_compare:
        return None
    from tophalf.cli.defer_compare import ARRIVALS, run_comparison

    return run_comparison(needs, args.arrivals or ARRIVALS, args.seed)


def _needs(args):
    """What was given, or else asked. Raises: TophalfError."""
    from tophalf.errors import TophalfError

    given = {name: getattr(args, name) or None for name in GIVEN}
    if any(given.values()):
        return needs_of(given)
    if args.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TophalfError("nothing is said of the work", "", "say some: --sleeps, --work 200us, --rate 20k/s, --latency 50us")
    from tophalf.cli.defer_ask import ask

    asked = ask(lambda option, text: needs_of({option: text}))
    print()
    return needs_of(asked)


def needs_of(given):
    """Needs of options: {name in GIVEN: text, True or None}. Raises: TophalfError."""
    from tophalf.advise.needs import make_needs
    from tophalf.scenario import values

    given = dict(given)
    work, latency = (_read(values.duration_ns, f"--{name}", given.pop(name, None)) for name in ("work", "latency"))
    rate = _read(values.rate, "--rate", given.pop("rate", None))
    kernel = _read(kernel_version, "--kernel", given.pop("kernel", None))
    return make_needs(work_ns=work, latency_ns=latency, rate=rate, kernel=kernel, **given)


def _read(reader, option, text):
    """What an option says, None where it is not given. Raises: TophalfError."""
    from tophalf.errors import TophalfError

    try:
        return None if text is None else reader(text)
    except ValueError as error:
        raise TophalfError(str(error), option) from None


def kernel_version(text):
    """(6, 12) of 6.12, or of what uname -r says. Raises: ValueError."""
    import re

    match = re.match(r"v?(\d{1,3})\.(\d{1,3})(?![\d])", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no kernel's version: write 6.12, or what uname -r says")
    return int(match[1]), int(match[2])


def document(needs, mechanism, path):
    """docs/json.md describes it."""
    from tophalf.advise.mechanisms import ABOUT, allowed
    from tophalf.advise.skeleton import c_skeleton, python_skeleton
    from tophalf.advise.tree import cautions

    return {
        "needs": needs.as_dict() | {"kernel": ".".join(map(str, needs.kernel))},
        "mechanism": mechanism, **ABOUT[mechanism].as_dict(),
        "path": [step.as_dict() for step in path],
        "cautions": cautions(needs, mechanism),
        "not_allowed": {name: reason for name, reason in allowed(needs).items() if reason},
        "c": c_skeleton(needs, mechanism), "python": python_skeleton(needs, mechanism),
    }  # fmt: skip
