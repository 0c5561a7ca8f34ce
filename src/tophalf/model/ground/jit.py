"""Where the model's functions become machine code: one decorator, one cache.

The engine is one program made of many small functions that share one array, the world's memory (`fields`). They become one
module of machine code (`onemodule`), in which memory is a bare pointer (`pointer`). Only what Python calls is kept in numba's
cache; the rest is part of it. With NUMBA_DISABLE_JIT=1 everything runs as it stands, on a list.
"""

from tophalf.compiled import cache_directory, jit_is_enabled

# _nrt: no function makes an array, so nothing needs reference counting, which would cost more than the work.
OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False, "no_rewrites": True}


def compiled(function):
    """A function of the engine, called by other such functions. LLVM sees them all at once and inlines what is worth it."""
    return _part(function)


def inlined(function):
    """As `compiled`, but a copy of it wherever it is called: measured to be worth that, on the way of every event or packet.

    Each copy is compiled again; `tests/test_model_onemodule.py` limits how much.
    """
    return _part(function, forceinline=True)


def entry(function):
    """A function of the engine that Python calls."""
    if not jit_is_enabled():
        return function
    from tophalf.model.ground import onemodule

    return onemodule.whole(function, OPTIONS, _part(function, forceinline=True))


def _bit_length():
    """How many bits a word that is not negative has: int.bit_length, compiled to one instruction."""
    if not jit_is_enabled():
        return int.bit_length
    from tophalf.model.ground import pointer

    return pointer.bit_length


bit_length = _bit_length()


def _wrapped():
    """A result as a word of 64 bits holds it: where nothing is compiled, numbers of Python are larger."""
    if jit_is_enabled():
        return inlined(lambda m, value: value)
    return lambda m, value: (value + (1 << 63) & (1 << 64) - 1) - (1 << 63)


def _part(function, forceinline=False):
    if not jit_is_enabled():
        return function
    import numba

    numba.config.CACHE_DIR = numba.config.CACHE_DIR or cache_directory()
    from tophalf.model.ground import onemodule

    return onemodule.part(function, OPTIONS | {"forceinline": forceinline})


wrapped = _wrapped()
