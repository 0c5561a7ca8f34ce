"""Two forms of one kernel module: plain and compiled, side by side; the cache follows the sources."""

import os
import subprocess
import sys

import pytest

from tophalf import compiled

NAME = "tophalf.judge.times.grouping_kernels"


def test_few_rows_stay_plain_and_do_not_import_numba():
    code = f"import sys; from tophalf.compiled import kernels; m, c = kernels({NAME!r}, 10); sys.exit(c or 'numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.kernels
def test_many_rows_are_compiled_unless_switched_off():
    module, is_compiled = compiled.kernels(NAME, compiled.COMPILED_ROWS_MIN)
    assert is_compiled == compiled.jit_is_enabled()
    plain, _ = compiled.kernels(NAME, 0)
    assert (module is not plain) == is_compiled


def test_old_caches_are_cleared_and_the_newest_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for age in range(6):
        folder = tmp_path / "tophalf" / f"numba-{age:08x}"
        folder.mkdir(parents=True)
        os.utime(folder, (1000 - age, 1000 - age))
    (tmp_path / "tophalf" / "other").mkdir()
    compiled.cache_directory()
    left = {path.name for path in (tmp_path / "tophalf").iterdir()}
    assert "other" in left and {f"numba-{age:08x}" for age in range(compiled.CACHES_KEPT)} == left - {"other"}


def test_a_change_in_any_kernel_or_any_room_of_the_model_makes_another_cache(tmp_path, monkeypatch):
    for path in ("compiled.py", "model/ops.py", "model/net/nicplan.py", "host/walk_kernels.py", "model/other.txt", "cli/run.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("before")
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "compiled.py"))
    states = [compiled.cache_directory()]
    for path in ("model/ops.py", "model/net/nicplan.py", "host/walk_kernels.py"):
        (tmp_path / path).write_text("after")
        states.append(compiled.cache_directory())
    assert len(set(states)) == 4
    for path in ("model/other.txt", "cli/run.py"):
        (tmp_path / path).write_text("after")
    assert compiled.cache_directory() == states[-1]


def test_run_both_gives_both_results_and_raises_what_either_raised():
    assert compiled.run_both(lambda: 1, lambda: 2) == (1, 2)
    with pytest.raises(ZeroDivisionError):
        compiled.run_both(lambda: 1, lambda: 1 / 0)


@pytest.mark.kernels
def test_a_cached_kernel_runs_without_the_compilers_imports(tmp_path):
    """And one that is not cached is compiled as ever: the first of two processes."""
    if not compiled.jit_is_enabled():
        pytest.skip("NUMBA_DISABLE_JIT=1: nothing is compiled")
    code = (
        "import sys, numpy as np; from tophalf.compiled import kernels\n"
        "module, _ = kernels('tophalf.host.trace.ringbuffer_kernels', 1 << 60)\n"
        "words, room = np.arange(64, dtype=np.int32), np.zeros(9, np.int64); words[2] = 0; words.flags.writeable = False\n"
        "print(module.walk(words, 0, 16, 64, 8, room, room.copy(), 0), 'numba.np.linalg' in sys.modules)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    runs = [subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True) for _ in range(2)]
    assert [run.stdout for run in runs] == ["(0, 0, 0, 0, 0) True\n", "(0, 0, 0, 0, 0) False\n"], runs[0].stderr


@pytest.mark.kernels
def test_modules_that_two_threads_load_at_once_are_both_compiled(tmp_path, monkeypatch):
    if not compiled.jit_is_enabled():
        pytest.skip("NUMBA_DISABLE_JIT=1: nothing is compiled")
    for name, pause_s in (("slow_to_load", 0.3), ("quick_to_load", 0.0)):
        text = f"import time\ntime.sleep({pause_s})\nfrom tophalf.compiled import compiled\n@compiled\ndef same(x):\n    return x\n"
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    loads = [lambda name=name: compiled.kernels(name, 1 << 60)[0] for name in ("quick_to_load", "slow_to_load")]
    loaded = compiled.run_both(*loads)
    assert all(hasattr(module.same, "py_func") for module in loaded)
