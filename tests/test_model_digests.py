"""The engine's last twin is itself, not compiled: each built-in scenario, each example and random machines come to the same
digests in plain Python.

Twin of: engine, hardirq, softirq, napi, nic, nicplan, sched, wakeup, fair, tasks, contexts. A subprocess with NUMBA_DISABLE_JIT=1
runs each for about half a second of its own, this process as far, compiled.
"""

import json
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import anyscenario
from tophalf.compiled import jit_is_enabled
from tophalf.model.simulate import make_world
from tophalf.model.summary import digest
from tophalf.scenario.load import builtin_names, load_scenario

SEED = 7
TESTS = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(os.path.dirname(TESTS), "examples")
RANDOM_MACHINES, RANDOM_NS = 25, 3_000_000
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
    names = [*builtin_names(), *(os.path.join(EXAMPLES, name) for name in sorted(os.listdir(EXAMPLES)))]
    plain = subprocess.run(
        [sys.executable, "-c", PLAIN, str(SEED), *names], env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name, (end_ns, expected) in json.loads(plain.stdout).items():
        world = make_world(load_scenario(name), SEED)
        world.run(end_ns)
        assert digest(world) == expected, (name, end_ns)


def drawn_machines():
    """[(Drawn, seed)]. Drawn in one process for both: what Hypothesis draws depends on the modules that are loaded."""
    found = []

    @given(anyscenario.machines(), st.integers(0, 1 << 40))
    @settings(max_examples=RANDOM_MACHINES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def each(drawn, seed):
        found.append((drawn, seed))

    each()
    return found


def digests_of(machines):
    found = []
    for drawn, seed in machines:
        world = drawn.builder(seed).world()
        world.run(RANDOM_NS)
        found.append(digest(world))
    return found


RANDOM = """
import json, pickle, sys, test_model_digests
with open(sys.argv[1], "rb") as file:
    print(json.dumps(test_model_digests.digests_of(pickle.load(file))))
"""


@pytest.mark.skipif(not jit_is_enabled(), reason="there is no compiled engine to compare with (NUMBA_DISABLE_JIT=1)")
def test_random_machines_come_to_the_same_digests_compiled_and_plain(tmp_path):
    machines = drawn_machines()
    (tmp_path / "machines").write_bytes(pickle.dumps(machines))
    plain = subprocess.run(
        [sys.executable, "-c", RANDOM, str(tmp_path / "machines")], env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, cwd=TESTS,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(machines) == RANDOM_MACHINES and json.loads(plain.stdout) == digests_of(machines)
