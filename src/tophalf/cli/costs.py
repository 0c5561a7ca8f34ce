"""`tophalf costs`: what the model's steps cost and where each figure is from; or measure them on this machine."""

from tophalf.cli import render
from tophalf.cli.options import command_parser, print_json
from tophalf.vocab import human_ns


def parser():
    """Options of `tophalf costs`."""
    options = command_parser("costs", __doc__.split(": ", 1)[1], "sudo tophalf costs --measure this-machine.toml", machine=False)
    options.add_argument("table", nargs="?", metavar="TABLE", help="a file that --measure wrote (default: what is assumed)")
    options.add_argument("--measure", metavar="FILE", help="measure on this machine under a load on loopback, write FILE")
    options.add_argument("--force", action="store_true", help="overwrite FILE")
    return options


def run(args):
    """Show a table, or measure one and show it. Returns the exit status."""
    from tophalf.errors import TophalfError
    from tophalf.scenario.costtable import ASSUMED, load_cost_table

    if args.measure and args.table:
        raise TophalfError("TABLE and --measure do different things", do="give one of them")
    if args.force and not args.measure:
        raise TophalfError("--force is for --measure", do="add --measure FILE, or leave it out")
    name = args.table or ASSUMED
    if args.measure:
        from tophalf.cli.costs_measure import measure

        name = measure(args.measure, args.force)
    _show(args, name, *load_cost_table(name))
    return 0


def _show(args, name, costs, sources):
    from tophalf.scenario.sections.costs import MEANINGS

    if args.json:
        rows = [{"cost": cost, "value": said(costs[cost]), "meaning": MEANINGS[cost], "source": sources[cost]} for cost in MEANINGS]
        print_json({"table": name, "costs": rows})
        return
    print(render.table(["cost", "takes", "of what", "source"], [[c, said(costs[c]), MEANINGS[c], sources[c]] for c in MEANINGS]))
    print(f"\nuse it: tophalf run SCENARIO --set costs.table={name}; one of them: --set costs.context_switch=1.2us")


def said(cost):
    """A cost as people write it."""
    kind, value = cost[0], cost[1]
    if kind == "empirical":
        return f"empirical, {len(value)} times"
    return human_ns(value) if kind == "constant" else " ".join([kind, human_ns(value), *map(str, cost[2:])])
