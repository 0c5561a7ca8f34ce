"""The engine's last twin is itself, not compiled: every built-in scenario comes to the same digest in plain Python.

Twin of: engine, hardirq, softirq, napi, nic, nicplan, sched, wakeup, fair, tasks, contexts. A subprocess with NUMBA_DISABLE_JIT=1
runs each for about half a second of its own, this process as far, compiled.
"""

import json
import os
import subprocess
import sys

import pytest

from tophalf.compiled import jit_is_enabled
from tophalf.model.simulate import make_world
from tophalf.model.summary import digest
from tophalf.scenario.load import builtin_names, load_scenario

SEED = 7
PLAIN = """
import json, sys, time
from tophalf.model.simulate import make_world
from tophalf.model.summary import digest
from tophalf.scenario.load import load_scenario

found = {}
for name in sys.argv[2:]:
    scenario = load_scenario(name)
    world = make_world(scenario, int(sys.argv[1]))
    end_ns, most_ns, started = 250_000, scenario.one("machine").seconds, time.perf_counter()
    while time.perf_counter() - started < 0.3 and world.now_ns < most_ns:
        world.run(min(end_ns, most_ns))
        end_ns *= 2
    found[name] = world.now_ns, digest(world)
print(json.dumps(found))
"""


@pytest.mark.skipif(not jit_is_enabled(), reason="there is no compiled engine to compare with (NUMBA_DISABLE_JIT=1)")
def test_compiled_and_plain_come_to_the_same_digests():
    plain = subprocess.run(
        [sys.executable, "-c", PLAIN, str(SEED), *builtin_names()], env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name, (end_ns, expected) in json.loads(plain.stdout).items():
        world = make_world(load_scenario(name), SEED)
        world.run(end_ns)
        assert digest(world) == expected, (name, end_ns)
