"""Generic netlink: settings as ethtool prints them, NAPI instances joined with queues, damaged answers."""

import contextlib
import os
import struct
import subprocess

import pytest
from hypothesis import given

from damage import damaged
from netns import ethtool, run_in_namespace
from tophalf.errors import FormatError
from tophalf.host.readers.ethtool_text import parse_coalesce, parse_limits
from tophalf.host.readers.genetlink import CHANNELS, NAPI, ethtool_settings, family_id, join_queues, napi_instances, parse_fields
from tophalf.host.readers.netlink import NETLINK_GENERIC, Netlink, attribute
from tophalf.host.roots import live_root

# What this family answered for a virtio NIC on Linux 6.18.
NAPI_ANSWER = bytes.fromhex(
    "0b010000080002000101000008000100040000000800080000000000080005000000000008000700000000000800060000000000"
)


def devices():
    return [name for name in sorted(os.listdir("/sys/class/net")) if os.path.exists(f"/sys/class/net/{name}/device/driver")]


@pytest.mark.parametrize(
    ("group", "flag", "parse"),
    [("rings", "-g", parse_limits), ("channels", "-l", parse_limits), ("coalesce", "-c", parse_coalesce)],
)
def test_settings_are_those_that_ethtool_prints(group, flag, parse):
    program, names = ethtool(), devices()
    if not names:
        pytest.skip("no device with a driver here")
    for name, settings in ethtool_settings(names).items():
        shown = subprocess.run([program, flag, name], capture_output=True, text=True).stdout
        assert settings.get(group, {}) == parse(shown), f"{name} {group}"


def test_channels_of_a_veth():
    script = "import json\nfrom tophalf.host.readers.genetlink import ethtool_settings\n"
    found = run_in_namespace(script + "print(json.dumps(ethtool_settings(['tv0', 'lo', 'nope'])))")
    assert found == {"tv0": {"channels": {"rx_max": 4, "tx_max": 4, "rx": 4, "tx": 4}}, "lo": {}, "nope": {}}


def test_a_family_that_is_not_there():
    with Netlink(NETLINK_GENERIC) as link, pytest.raises(FileNotFoundError):
        family_id(link, "nosuchfamily")


def test_napi_instances_belong_to_devices_that_exist():
    try:
        found = napi_instances()
    except FileNotFoundError:
        pytest.skip("this kernel has no netdev family (Linux 6.8)")
    indexes = {live_root().number(f"/sys/class/net/{name}/ifindex") for name in os.listdir("/sys/class/net")}
    assert set(found) <= indexes
    ids = [napi.napi_id for napis in found.values() for napi in napis]
    assert len(ids) == len(set(ids))


def test_a_real_answer():
    assert parse_fields(NAPI_ANSWER, NAPI) == {"ifindex": 4, "napi_id": 257, "defer_hard_irqs": 0, "gro_flush_timeout_ns": 0}


def test_queues_join_their_napi():
    napis = [{"ifindex": 4, "napi_id": 257, "irq": 38}, {"ifindex": 4, "napi_id": 258}, {"ifindex": 5, "napi_id": 300}]
    queues = [{"id": 1, "ifindex": 4, "type": 0, "napi_id": 258}, {"id": 0, "ifindex": 4, "type": 0, "napi_id": 257},
              {"id": 0, "ifindex": 4, "type": 1, "napi_id": 257}, {"id": 7, "ifindex": 4, "type": 1}]  # fmt: skip
    found = join_queues(napis, queues)
    assert set(found) == {4, 5} and found[4][0].rx_queues == (0,) and found[4][0].tx_queues == (0,) and found[4][0].irq == 38
    assert found[4][1].rx_queues == (1,) and found[4][1].tx_queues == () and found[5][0].rx_queues == ()


@given(damaged(NAPI_ANSWER, b"\x0b\x01\0\0" + attribute(9, struct.pack("=I", 4)) + attribute(2, b"\1\2\3\4\5\6\7\x08\x09")))
def test_nothing_breaks_the_parser(data):
    for names in (NAPI, CHANNELS):
        with contextlib.suppress(FormatError):
            fields = parse_fields(data, names)
            assert all(isinstance(value, int) for value in fields.values())
            join_queues([fields] if names is NAPI else [], [fields])
