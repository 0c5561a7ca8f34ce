"""Where the model's functions become machine code: one decorator, one cache.

The engine is one program made of many small functions that share one array, the world's memory (`fields`). Only what
Python calls is kept in numba's cache; the rest is linked into it. With NUMBA_DISABLE_JIT=1 everything runs as it stands,
on a list.
"""

from tophalf.compiled import cache_directory, jit_is_enabled


def compiled(function):
    """A function of the engine, called by other such functions."""
    return _njit(function, cache=False)


def inlined(function):
    """A small function of the engine, or one that a single other calls on the way of every event: no call is left of it.

    A call of one compiled function by another costs 5 ns, as the array is handed over in seven parts.
    """
    return _njit(function, cache=False, forceinline=True)


def entry(function):
    """A function of the engine that Python calls."""
    return _njit(function, cache=True)


def _njit(function, cache, forceinline=False):
    if not jit_is_enabled():
        return function
    import numba

    numba.config.CACHE_DIR = numba.config.CACHE_DIR or cache_directory()
    # _nrt: no function makes an array, so nothing needs reference counting, which would cost more than the work.
    return numba.njit(cache=cache, nogil=True, error_model="numpy", _nrt=False, forceinline=forceinline)(function)
