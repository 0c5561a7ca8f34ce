"""What a command says on the progress line while something takes long: seconds so far, or how far a simulated run is."""

import threading
import time

from tophalf.cli import render

SAY_AFTER_S = 0.7
EVERY_S = 0.5


class Waiting:
    """with Waiting("compiling the engine"): the line appears after SAY_AFTER_S and goes when it is over."""

    def __init__(self, text):
        self._text, self._over, self._thread = text, threading.Event(), None

    def __enter__(self):
        self._thread = threading.Thread(target=self._say, args=(time.monotonic(),), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        render.progress("")

    def _say(self, started):
        pause = SAY_AFTER_S
        while not self._over.wait(pause):
            pause = EVERY_S
            render.progress(f"{self._text}, {time.monotonic() - started:.0f} s ...")


def get_ready():
    """Compile the engine where no earlier run has, and say so."""
    from tophalf.model.simulate import warm_up

    with Waiting("compiling the engine, once for this version"):
        warm_up()


def progress(now_ns, until_ns):
    """How far a run is, on the progress line."""
    render.progress(f"{now_ns / 1e9:.3f} of {until_ns / 1e9:g} s simulated, {now_ns / until_ns:.0%}")
