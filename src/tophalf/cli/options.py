"""Options that several commands share: one MACHINE argument, one --json, one way to write help with an example."""

import argparse


def command_parser(name, description, example, machine=True, trace=True):
    """An argument parser whose help ends in a working example. trace: whether a MACHINE may have its trace beside it."""
    parser = argparse.ArgumentParser(
        prog=f"tophalf {name}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=_help_width()),
    )
    if machine:
        parser.add_argument("machine", nargs="?", metavar="MACHINE", help="this host when left out; see tophalf --help")
    if machine and trace:
        parser.add_argument("--trace", metavar="FILE", help="a trace that belongs to MACHINE (trace.dat or tracefs text)")
    parser.add_argument("--json", action="store_true", help="print JSON (docs/json.md says what it holds)")
    return parser


SECONDS_MAX = 7 * 86_400.0


def seconds(text):
    """A number of seconds above 0, for argparse. Raises: argparse.ArgumentTypeError."""
    return _seconds(text, 0 < _number(text) <= SECONDS_MAX, "above 0")


def wait_seconds(text):
    """A number of seconds, 0 for one sample without a wait. Raises: argparse.ArgumentTypeError."""
    return _seconds(text, 0 <= _number(text) <= SECONDS_MAX, "from 0")


def _seconds(text, fits, lowest):
    if not fits:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds {lowest} up to {SECONDS_MAX:.0f}")
    return _number(text)


def _number(text):
    try:
        return float(text)
    except ValueError:
        return -1.0


def _help_width():
    """Columns for help. argparse would ask shutil, whose import (it loads every compressor) costs 2 ms of each command."""
    import os

    try:
        return max(40, int(os.environ.get("COLUMNS") or os.get_terminal_size().columns) - 2)
    except (OSError, ValueError):
        return 78


def print_json(document):
    """One JSON object on standard output, a line a key and a line an item of its lists; tuples become lists.

    Each item goes through the C encoder, which `indent=` would turn off: 1,152 CPUs by 4,000 lines are 5 million numbers.
    """
    import json
    import sys

    parts = [f"{json.dumps(key)}: {_lines(value, json.dumps)}" for key, value in document.items()]
    sys.stdout.write("{\n" + ",\n".join(parts) + "\n}\n")


def _lines(value, dumps):
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(" " + dumps(item) for item in value) + "\n]"
    return dumps(value)
