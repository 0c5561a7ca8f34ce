"""The command `tophalf`: finds the command's own module, imports only that, and turns errors into one line."""

import sys

# Command: (module under tophalf.cli, what it does). In the order of `--help`.
COMMANDS = {
    "check": ("check", "say what is wrong with a machine's interrupts, worst first"),
    "irqs": ("irqs", "one row per interrupt: rate, where it lands, masks"),
    "cpus": ("cpus", "one row per CPU: interrupts, softirqs, ksoftirqd, drops"),
    "diff": ("diff", "compare two machines or moments"),
    "trace": ("trace", "handler, softirq, NAPI and work times from events"),
    "laws": ("laws", "hold a trace against what the kernel guarantees"),
    "record": ("record", "record events and counters of this host into a file"),
    "export": ("export", "write a trace as Parquet or for Perfetto"),
    "affinity": ("affinity", "show or set where an interrupt is delivered"),
    "run": ("run", "run a scenario on the model: the interrupt subsystem, simulated"),
    "scenarios": ("scenarios", "list the built-in scenarios, or show one"),
    "lint": ("lint", "hold a driver written in Python against the kernel's rules"),
    "defer": ("defer", "say which bottom half fits some work, and how its driver looks"),
    "myths": ("myths", "what is said of interrupts, tried on the model"),
    "costs": ("costs", "what the steps of the model cost, or measure it on this machine"),
}

USAGE = """usage: tophalf COMMAND [MACHINE] [options]

Reads, records, judges and steers the interrupts of a Linux machine, and simulates one.

{commands}

MACHINE: nothing (this host), a directory holding proc/, a series of such (000.000/, 001.002/, ...), a tar of either,
a recording of `tophalf record`, a trace.dat or tracefs text, or a scenario (10gbe-napi, mine.toml, a driver.py that
holds one), which is simulated.
NAME@SECONDS is the moment of a series or recording nearest to so many seconds after its first (host.tar@1.5).
`tophalf COMMAND --help` shows options and an example. Exit status: 0 fine, 1 findings, 2 could not run.
"""


def main(arguments=None):
    """Run one command. Returns the exit status; whatever goes wrong is one line on standard error and 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _print_what_the_terminal_can()
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
        return status or 0
    except BrokenPipeError:
        return _output_is_gone(0)  # `tophalf irqs | head`: the reader has what it wanted
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        return _missing(error)
    except OSError as error:
        print(f"tophalf: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}", file=sys.stderr)
        return _output_is_gone(2)


def _dispatch(arguments):
    if arguments[:1] == ["help"] and len(arguments) > 1:
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return _help()
    if arguments[0] in ("-V", "--version"):
        from tophalf import __version__

        print(f"tophalf {__version__}")
        return 0
    if arguments[0] not in COMMANDS:
        return _unknown(arguments[0])
    return _run(arguments[0], arguments[1:])


def _run(command, arguments):
    import importlib

    from tophalf.errors import TophalfError

    module = importlib.import_module(f"tophalf.cli.{COMMANDS[command][0]}")
    try:
        return module.run(module.parser().parse_args(arguments))
    except TophalfError as error:
        print(f"tophalf {command}: {error.line()}", file=sys.stderr)
        return 2


def _print_what_the_terminal_can():
    """A bar that the terminal's encoding lacks becomes "?", not a traceback."""
    if hasattr(sys.stdout, "reconfigure") and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="replace")


def _missing(error):
    """Traces need libraries that reading does not."""
    if error.name not in ("numpy", "numba", "pyarrow", "zstandard"):
        raise error
    print(f"tophalf: {error.name} is not installed; traces need it: pip install 'tophalf[trace,export]'", file=sys.stderr)
    return 2


def _output_is_gone(status):
    """What Python would still flush at its end goes nowhere."""
    import contextlib
    import os

    with contextlib.suppress(OSError, ValueError):  # standard output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _help():
    width = max(map(len, COMMANDS))
    print(USAGE.format(commands="\n".join(f"  {name:{width}}  {text}" for name, (_, text) in COMMANDS.items())), end="")
    return 0


def _unknown(name):
    near = [command for command in COMMANDS if command.startswith(name[:2])]
    print(f"tophalf: no command {name!r}; {'did you mean ' + near[0] + '?' if near else 'see tophalf --help'}", file=sys.stderr)
    return 2
