"""What a command says while the model gets ready and runs."""

from tophalf.cli import render


def get_ready():
    """Compile the engine where no earlier run has, and say so."""
    from tophalf.cli.waiting import Waiting
    from tophalf.model.simulate import warm_up

    with Waiting("compiling the engine, once for this version"):
        warm_up()


def progress(now_ns, until_ns):
    """How far a run is, on the progress line."""
    render.progress(f"{now_ns / 1e9:.3f} of {until_ns / 1e9:g} s simulated, {now_ns / until_ns:.0%}")
