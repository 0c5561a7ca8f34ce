"""What a command says on the progress line while something takes long: seconds so far, or how far a simulated run is."""

import sys
import threading
import time

from tophalf.cli import render

SAY_AFTER_S = 0.7
SAY_ONCE_AFTER_S = 3.0  # where no terminal shows a line that changes: one that stays
EVERY_S = 0.5


class Waiting:
    """with Waiting("compiling the engine"): the line appears after SAY_AFTER_S and goes when it is over.

    In a log, where no line can change, it is said once on standard error after SAY_ONCE_AFTER_S.
    """

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
        if not sys.stderr.isatty():
            if not self._over.wait(SAY_ONCE_AFTER_S):
                print(f"tophalf: {self._text} ...", file=sys.stderr, flush=True)
            return
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
