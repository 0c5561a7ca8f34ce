"""Compiled or plain, from one source: where tophalf decides whether a kernel of numeric code is worth compiling.

A kernel module marks its functions with `@compiled` and is not imported directly but through `kernels(name, rows)`, which
hands back the module in one of two forms: plain Python (few rows: importing numba alone takes longer than the work) or
compiled by numba. Kernels index lists or arrays alike, so the plain form is fed lists (`as_lists`): indexing a numpy
array from Python is slower than the work. A kernel module imports nothing of ours but constants.
"""

import _thread
import importlib
import importlib.util
import os
import sys

COMPILED_ROWS_MIN = 150_000  # below this plain Python ends sooner than `import numba` (0.2-0.5 s)
CACHES_KEPT = 3

# Held while a module is loaded: `run_both` loads in two threads, and _loading_compiled of one would reach the other's module,
# which stayed plain, and forty times slower, for the life of the process.
_loading = _thread.RLock()
_loading_compiled = False
_modules = {}


def compiled(function):
    """Mark a kernel: unchanged in the plain form of its module, numba.njit in the compiled one."""
    if not _loading_compiled:
        return function
    import numba

    return quick_to_load(numba.njit(cache=True, nogil=True)(function))


def compiled_lean(function):
    """Mark a kernel that makes no array: compiled into its caller, without reference counting.

    Counting references to the arrays that one function hands to another took most of the time of the walk over events
    (60-130 ns a row with it, 11-19 without). `_nrt` is numba's own switch for it, not a documented one.
    """
    if not _loading_compiled:
        return function
    import numba

    return quick_to_load(numba.njit(cache=True, nogil=True, inline="always", _nrt=False)(function))


def quick_to_load(dispatcher):
    """Let a kernel come out of numba's cache without all that only a compiler needs: linalg, random, typed lists, ...

    numba imports those before it looks into the cache (Cache.load_overload, refresh), 0.1-0.2 s a process; when the kernel
    is not there, it imports them again anyhow before it compiles. A numba built otherwise is left as it is.
    """
    from numba.core.runtime import rtsys

    cache = getattr(dispatcher, "_cache", None)
    if not hasattr(cache, "_load_overload") or not hasattr(cache, "_guard_against_spurious_io_errors"):
        return dispatcher

    def load_overload(signature, context):
        rtsys.initialize(context)  # what compiled code itself calls
        with cache._guard_against_spurious_io_errors():
            return cache._load_overload(signature, context)

    cache.load_overload = load_overload
    return dispatcher


def kernels(name, rows):
    """The kernel module `name` in the form that suits `rows` rows. Returns (module, is_compiled)."""
    is_compiled = rows >= COMPILED_ROWS_MIN and jit_is_enabled()
    with _loading:
        if (name, is_compiled) not in _modules:
            _modules[name, is_compiled] = _load_compiled(name) if is_compiled else importlib.import_module(name)
    return _modules[name, is_compiled], is_compiled


def run_both(first, second):
    """Run two functions at the same time, each without arguments: kernels and decompressors let go of Python's lock.

    Returns (first's result, second's). An exception of either is raised here.
    """
    import threading

    results = [None, None]

    def keep_result():
        try:
            results[1] = second(), None
        except BaseException as error:  # noqa: BLE001  raised again below
            results[1] = None, error

    thread = threading.Thread(target=keep_result)
    thread.start()
    try:
        results[0] = first()
    finally:
        thread.join()
    result, error = results[1]
    if error:
        raise error
    return results[0], result


def jit_is_enabled():
    """Whether numba may compile (NUMBA_DISABLE_JIT=1 says no)."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def _load_compiled(name):
    global _loading_compiled
    import numba

    numba.config.CACHE_DIR = numba.config.CACHE_DIR or cache_directory()
    spec = importlib.util.find_spec(name)
    # Under a name of its own, so that both forms can live in one process.
    spec = importlib.util.spec_from_file_location(f"{name}__compiled", spec.origin)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    _loading_compiled = True
    try:
        spec.loader.exec_module(module)
    finally:
        _loading_compiled = False
    return module


def cache_directory():
    """Where compiled kernels are kept: a directory for each state of the sources, the CACHES_KEPT newest others beside it.

    Numba itself notices a change in a kernel's own file, but not in one that it calls.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder, name = os.path.join(base, "tophalf"), f"numba-{_source_state():08x}"
    _clear_old(folder, name)
    return os.path.join(folder, name)


def _clear_old(folder, name):
    """Remove caches of older sources; what cannot be removed stays."""
    import shutil

    try:
        with os.scandir(folder) as entries:
            others = [entry for entry in entries if entry.name.startswith("numba-") and entry.name != name]
            others.sort(key=lambda entry: -entry.stat().st_mtime)
    except OSError:
        return
    for entry in others[CACHES_KEPT:]:
        shutil.rmtree(entry.path, ignore_errors=True)


def _source_state():
    """A checksum of all kernel sources and of what they take constants from."""
    import zlib

    state, here = 0, os.path.dirname(__file__)
    model = os.path.join(here, "model")
    for folder, folders, files in os.walk(here):
        folders.sort()
        for file in sorted(files):
            is_model = folder.startswith(model) and file.endswith(".py")
            if is_model or file.endswith("kernels.py") or file in ("compiled.py", "vocab.py"):
                with open(os.path.join(folder, file), "rb") as source:
                    state = zlib.crc32(source.read(), state)
    return state
