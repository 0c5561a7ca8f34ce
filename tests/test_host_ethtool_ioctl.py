"""A driver's own counters: against the ethtool program, counted packets, damaged buffers."""

import contextlib
import struct
import subprocess

import pytest
from hypothesis import given

from damage import damaged
from netns import ethtool, run_in_namespace
from test_host_genetlink import devices
from tophalf.errors import FormatError
from tophalf.host.readers.ethtool_ioctl import Ethtool, join_stats
from tophalf.host.readers.ethtool_text import parse_statistics

STRINGS = struct.pack("=III", 0x1B, 1, 2) + b"rx_drops".ljust(32, b"\0") + b"rx_no_buffer_count".ljust(32, b"\0")
NUMBERS = struct.pack("=IIQQ", 0x1D, 2, 7, 2**63)


def test_names_are_those_of_ethtool_and_values_lie_between_two_looks():
    program, names = ethtool(), devices()
    if not names:
        pytest.skip("no device with a driver here")
    with Ethtool() as asked:
        for name in names:
            before, told, after = shown(program, name), asked.stats(name), shown(program, name)
            assert list(told) == list(before)
            assert all(before[key] <= told[key] <= after[key] for key in told)


def shown(program, name):
    text = subprocess.run([program, "-S", name], capture_output=True, text=True)
    return parse_statistics(text.stdout or text.stderr)


def test_the_counters_of_a_veth_tell_its_peer():
    script = (
        "import json\nfrom tophalf.host.readers.ethtool_ioctl import Ethtool\n"
        "with Ethtool() as e: print(json.dumps(e.stats('tv0')))"
    )
    stats = run_in_namespace(script)
    assert stats["peer_ifindex"] > 0 and "rx_queue_3_drops" in stats


def test_no_such_device_is_an_oserror():
    with Ethtool() as asked, pytest.raises(OSError):
        asked.stats("nosuchdevice0")


def test_names_and_values_are_joined():
    assert join_stats(STRINGS, NUMBERS) == {"rx_drops": 7, "rx_no_buffer_count": 2**63}


@given(damaged(STRINGS), damaged(NUMBERS))
def test_nothing_breaks_the_join(strings, numbers):
    with contextlib.suppress(FormatError):
        join_stats(strings, numbers)
