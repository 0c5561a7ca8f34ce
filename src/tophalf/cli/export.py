"""`tophalf export MACHINE FILE`: the events of a trace as Parquet, or for Perfetto's UI."""

import os

from tophalf.cli.options import command_parser, print_json
from tophalf.errors import MachineError, TophalfError

FORMS = {".parquet": "parquet", ".pftrace": "perfetto", ".perfetto-trace": "perfetto"}


def parser():
    """Options of `tophalf export`."""
    described = "Writes the events of a trace as Parquet, or for ui.perfetto.dev."
    parser = command_parser("export", described, "tophalf export host.tar host.pftrace")
    parser.add_argument("file", metavar="FILE", help="what to write: NAME.parquet or NAME.pftrace")
    parser.add_argument("--format", choices=("parquet", "perfetto"), help="for a FILE with another ending")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    return parser


def run(options):
    """Export. Returns 0."""
    form = options.format or FORMS.get(os.path.splitext(options.file)[1])
    if form is None:
        raise MachineError("its ending names no format", options.file, "end it in .parquet or .pftrace, or give --format")
    if os.path.exists(options.file) and not options.force:
        raise MachineError("exists already", options.file, "name another file, or overwrite it with --force")
    table = _events(options)
    _write(form, table, options.file)
    size = os.path.getsize(options.file)
    if options.json:
        print_json({"path": options.file, "format": form, "events": len(table), "size_bytes": size})
    else:
        print(f"{options.file}: {len(table):,} events as {form}, {size / 1e6:.1f} MB")
    return 0


def _events(options):
    from tophalf.cli.simulated import open_named
    from tophalf.cli.traced import events_of, names_this_host

    if names_this_host(options):
        raise MachineError("a live machine holds no events", options.machine or "this host", "record it: tophalf record host.tar")
    return events_of(open_named(options.machine, options.trace))


def _write(form, table, path):
    """Write it, or leave nothing: half a Parquet file is none."""
    try:
        if form == "parquet":
            from tophalf.export.parquet import write_parquet as write
        else:
            from tophalf.export.perfetto import write_perfetto as write
        write(table, path)
    except ImportError:
        raise TophalfError("Parquet needs pyarrow", "", "install it: pip install 'tophalf[export]'") from None
    except OSError as error:
        if os.path.isfile(path):
            os.unlink(path)
        raise MachineError(f"cannot be written ({error.strerror or error})", path) from None
