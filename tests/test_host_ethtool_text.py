"""What ethtool printed: real output of ethtool 6.1 for a virtio NIC, other drivers' shapes, damage."""

import contextlib

import pytest
from hypothesis import given

from damage import damaged, text_of
from tophalf.errors import FormatError
from tophalf.host.readers.ethtool_text import parse_coalesce, parse_driver, parse_limits, parse_statistics

STATISTICS = b"NIC statistics:\n     rx_drops: 3\n     rx0_drops: 3\n     [0]: rx_ucast_packets: 12\n     tx_kicks: 10011\n"
RINGS = b"Ring parameters for eth0:\nPre-set maximums:\nRX:\t\t256\nRX Mini:\tn/a\nRX Jumbo:\t16\nTX:\t\t256\n" \
        b"Current hardware settings:\nRX:\t\t128\nRX Mini:\tn/a\nRX Jumbo:\t8\nTX:\t\t256\nTX Push:\toff\n"  # fmt: skip
COALESCE = b"Coalesce parameters for eth0:\nAdaptive RX: off  TX: n/a\nstats-block-usecs: n/a\nrx-usecs: 0\nrx-frames: 1\n\n" \
           b"rx-frame-low: 4\nCQE mode RX: on  TX: off\n\n"  # fmt: skip


def test_statistics():
    found = parse_statistics(text_of(STATISTICS))
    assert found == {"rx_drops": 3, "rx0_drops": 3, "[0]: rx_ucast_packets": 12, "tx_kicks": 10011}
    assert parse_statistics("no stats available\n") == {}
    with pytest.raises(FormatError, match="eth0:1: not the output of ethtool -S"):
        parse_statistics("bash: ethtool: command not found", "eth0")


def test_limits():
    assert parse_limits(text_of(RINGS)) == {"rx_max": 256, "rx_jumbo_max": 16, "tx_max": 256, "rx": 128, "rx_jumbo": 8, "tx": 256}
    assert parse_limits("netlink error: Operation not supported\n") == {}


def test_coalesce_bears_netlink_s_names():
    found = parse_coalesce(text_of(COALESCE))
    assert found == {
        "adaptive_rx": False,
        "cqe_mode_rx": True,
        "cqe_mode_tx": False,
        "rx_usecs": 0,
        "rx_frames": 1,
        "rx_frames_low": 4,
    }


def test_driver():
    assert parse_driver("driver: virtio_net\nversion: 1.0.0\nbus-info: 0000:00:03.0\n") == ("virtio_net", "0000:00:03.0")
    assert parse_driver("Cannot get driver information\n") == (None, None)


@given(damaged(STATISTICS, RINGS, COALESCE))
def test_nothing_breaks_the_parsers(data):
    for parse in (parse_statistics, parse_limits, parse_coalesce, parse_driver):
        with contextlib.suppress(FormatError):
            parse(text_of(data))
