"""Something that takes long without saying how far it is: its name and the seconds so far, on the progress line."""

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
