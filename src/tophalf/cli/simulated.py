"""MACHINE as a scenario's name: simulated, written as a recording that has no name, and opened through the door as any other.

Nothing of the model is imported unless the argument is no path and may be a scenario's name.
"""

import os

from tophalf.host.door import open_machine

BUILTIN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenario", "builtin")
SEED = 0


def open_named(argument=None, trace=None, events=True):
    """open_machine, where MACHINE may be a scenario too. events: whether a scenario's trace is wanted.

    Raises: TophalfError.
    """
    name, seconds = _scenario_of(argument)
    return open_machine(argument, trace) if name is None else _simulated(name, seconds, trace, events)


def _scenario_of(argument):
    """(scenario's name or path, seconds of the moment that is meant or None); (None, None) for other arguments."""
    if not argument or (os.path.lexists(argument) and not (argument.endswith((".toml", ".py")) and os.path.isfile(argument))):
        return None, None
    name, seconds = argument, None
    if not os.path.lexists(argument) and "@" in argument:
        from tophalf.host.pick import split_moment

        name, seconds = split_moment(argument)
    is_file = name.endswith((".toml", ".py"))
    is_one = os.path.isfile(name) if is_file else "/" not in name and os.path.isfile(f"{BUILTIN}/{name}.toml")
    return (name, seconds) if is_one else (None, None)


def _simulated(name, seconds, trace, events):
    from tophalf.cli import render
    from tophalf.cli.waiting import progress
    from tophalf.scenario.load import load_scenario

    scenario = load_scenario(name)
    machine = open_run(scenario, SEED, None, events and not trace, progress)
    render.progress("")
    machine.path = os.path.realpath(scenario.path)
    if trace:
        from tophalf.host.door import open_trace

        machine.trace = open_trace(trace)
    if seconds is not None:
        from tophalf.host.pick import pick_moment

        pick_moment(machine, seconds)
    return machine


def open_run(scenario, seed, seconds, events, progress=None):
    """Simulate and open what was recorded; its file is gone when this returns. Returns a Machine."""
    import tempfile

    folder = tempfile.mkdtemp(prefix="tophalf-")
    path = os.path.join(folder, scenario.name)
    try:
        save_run(path, scenario, seed, seconds, events, progress)
        return open_machine(path)  # it keeps the file open and reads from it
    finally:
        if os.path.lexists(path):
            os.unlink(path)
        os.rmdir(folder)


def save_run(path, scenario, seed=0, seconds=None, events=True, progress=None, force=False):
    """Simulate a scenario into a recording. progress(now_ns, until_ns): called now and then.

    Returns: (simulate.Run, what of the trace was cut off or None). Raises: TophalfError.
    """
    import time

    from tophalf.cli.waiting import get_ready
    from tophalf.export.recording import write_recording
    from tophalf.model.recorder import TRACE_ROWS, record, what_was_cut
    from tophalf.model.simulate import Run, length_ns, make_world

    until_ns = length_ns(scenario, seconds)
    if progress:
        get_ready()
    world = make_world(scenario, seed, TRACE_ROWS if events else 0)
    started, table = time.perf_counter(), None
    snapshots = record(world, until_ns, progress)
    run = Run(scenario, seed, world, time.perf_counter() - started)
    if events:
        from tophalf.model.table import event_table

        table = event_table(world)
    write_recording(path, snapshots, table, force=force, note=what_was_cut(world))
    return run, what_was_cut(world)
