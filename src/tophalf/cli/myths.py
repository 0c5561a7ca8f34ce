"""`tophalf myths`: what is said of interrupts, tried on the model: list the claims, or try one."""

from tophalf.cli import render
from tophalf.cli.options import command_parser, print_json


def parser():
    """Options of `tophalf myths`."""
    options = command_parser("myths", __doc__.split(": ", 1)[1], "tophalf myths 4", machine=False)
    options.add_argument("myth", nargs="?", metavar="N", help="try this one, by its number or name")
    options.add_argument("--seed", type=int, default=0, metavar="N", help="of all random numbers (default 0)")
    options.add_argument("--once", action="store_true", help="leave out the runs with changed costs and other seeds")
    return options


def run(args):
    """List them, or try one. Returns the exit status: 0 whatever the verdict."""
    from tophalf.errors import TophalfError
    from tophalf.myths.collection import MYTHS, find_myth

    if args.myth is not None:
        return _try(args, *find_myth(args.myth))
    if args.once:
        raise TophalfError("--once is for a myth that is tried", do="give its number, or leave it out")
    rows = [[number, myth.name, myth.claim, myth.tried] for number, myth in enumerate(MYTHS, 1)]
    if args.json:
        print_json({"myths": [dict(zip(("number", "name", "claim", "tried"), row, strict=True)) for row in rows]})
        return 0
    for number, name, claim, tried in rows:
        print(f"{number}  {render.paint(claim, 'bold')} ({name})\n   {tried}")
    print("\ntry one: tophalf myths N")
    return 0


def _try(args, number, myth):
    from tophalf.cli.myths_text import document, myth_text
    from tophalf.cli.waiting import get_ready
    from tophalf.myths.trial import costs_of_myth, try_myth

    if costs_of_myth(myth):
        get_ready()
    trial = try_myth(myth, args.seed, vary=not args.once, progress=_progress)
    render.progress("")
    if args.json:
        print_json(document(number, trial))
    else:
        print(myth_text(number, trial))
    return 0


def _progress(done, of):
    render.progress(f"{done} of {of} changed costs tried, {done / of:.0%}")
