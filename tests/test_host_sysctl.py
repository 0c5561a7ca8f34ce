"""Settings: this machine's as sysctl prints them, a sosreport's, damage."""

import shutil
import subprocess

import pytest
from hypothesis import given

from damage import damaged, survives, text_of
from tophalf.host.readers.sysctl import parse_sysctl, read_sysctl
from tophalf.host.roots import MemoryRoot, live_root

PRINTED = (
    b"net.core.netdev_budget = 300\nnet.core.flow_limit_cpu_bitmap = 0f\nnet.ipv4.udp_mem = 575802\t767736\t1151604\nfs.x = 1\n"
)


def test_this_machine_as_sysctl_prints_it():
    if not shutil.which("sysctl"):
        pytest.skip("no sysctl here")
    shown = subprocess.run(["sysctl", "-a"], capture_output=True, text=True).stdout
    settings = read_sysctl(live_root())
    assert settings["net.core.netdev_budget"] > 0
    assert {name: str(value) for name, value in settings.items()} == parse_sysctl(shown)


def test_a_sosreport():
    settings = read_sysctl(MemoryRoot({"/sos_commands/kernel/sysctl_-a": PRINTED}, {}))
    assert settings == {
        "net.core.netdev_budget": 300,
        "net.core.flow_limit_cpu_bitmap": "0f",
        "net.ipv4.udp_mem": "575802\t767736\t1151604",
    }
    assert read_sysctl(MemoryRoot({}, {})) is None


@given(damaged(PRINTED))
def test_nothing_breaks_the_reader(text):
    survives(read_sysctl, {"/sos_commands/kernel/sysctl_-a": text})
    survives(read_sysctl, {"/proc/sys/net/core/netdev_budget": text})
    parse_sysctl(text_of(text))
