"""Options that several commands share: one MACHINE argument, one --json, one way to write help with an example."""

import argparse


def command_parser(name, description, example, machine=True):
    """An argument parser whose help ends in a working example."""
    parser = argparse.ArgumentParser(
        prog=f"tophalf {name}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if machine:
        parser.add_argument("machine", nargs="?", metavar="MACHINE", help="this host when left out; see tophalf --help")
        parser.add_argument("--trace", metavar="FILE", help="a trace that belongs to MACHINE (trace.dat or tracefs text)")
    parser.add_argument("--json", action="store_true", help="print JSON (docs/json.md says what it holds)")
    return parser


def print_json(value):
    """One JSON document on standard output; tuples become lists, keys strings."""
    import json
    import sys

    json.dump(value, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
