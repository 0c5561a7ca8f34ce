"""A network namespace of its own for a test: a veth pair with four queues, and Python run inside."""

import json
import os
import shutil
import subprocess
import sys

import pytest

SETUP = """
mount -t sysfs none /sys
ip link set lo up
ip link add tv0 numrxqueues 4 numtxqueues 4 type veth peer name tv1 numrxqueues 4 numtxqueues 4
ip link set tv1 up && ip link set tv0 up
echo 3 > /sys/class/net/tv0/queues/rx-2/rps_cpus
echo 64 > /sys/class/net/tv0/queues/rx-2/rps_flow_cnt
echo 1 > /sys/class/net/tv0/queues/tx-1/xps_cpus
echo 20000 > /sys/class/net/tv0/gro_flush_timeout
echo 2 > /sys/class/net/tv0/napi_defer_hard_irqs
"""


def run_in_namespace(script, before=""):
    """What a Python script prints as JSON, run in a fresh namespace that ends with it; skips where that is not allowed."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("needs root, unshare and ip for a network namespace")
    probe = subprocess.run(["unshare", "-nm", "sh", "-ec", SETUP], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"no network namespace with veth here: {probe.stderr.strip()[-80:]}")
    shell = f"{SETUP}\n{before}\nexec {sys.executable} -"
    done = subprocess.run(["unshare", "-nm", "sh", "-ec", shell], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ethtool():
    """The ethtool program, or a skip."""
    program = shutil.which("ethtool", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not program:
        pytest.skip("no ethtool here to compare with (apt-get install ethtool)")
    return program
