"""The kernel's names for drivers that are written in Python: `from tophalf.kernel import *`.

A driver is read and checked (`tophalf lint`), it is never run as Python: the functions here only say so, and keep editors content.
The constants are the kernel's.
"""

from tophalf.driver.api import CALLS, CONSTANTS, VARIABLES, WORKQUEUES

__all__ = [*CALLS, *CONSTANTS, *VARIABLES, *WORKQUEUES]


def _only_in_a_kernel(name):
    def call(*_):
        raise NotImplementedError(f"{name} is the kernel's: a driver is not run as Python; try tophalf lint")

    call.__name__ = call.__qualname__ = name
    return call


globals().update(CONSTANTS)
globals().update(dict.fromkeys(VARIABLES, 0))
globals().update({name: _only_in_a_kernel(name) for name in CALLS})
globals().update({name: name for name in WORKQUEUES})
