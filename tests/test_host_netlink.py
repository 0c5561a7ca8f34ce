"""Netlink messages: counters against sysfs, errors of the kernel, damaged messages."""

import contextlib
import os
import struct

import pytest
from hypothesis import given

from damage import damaged
from tophalf.errors import FormatError
from tophalf.host.readers.netlink import (
    LINK_STATS,
    NETLINK_ROUTE,
    Netlink,
    attribute,
    attribute_list,
    attributes,
    link_stats,
    messages,
    parse_link_stats,
    unsigned,
)  # fmt: skip

MESSAGE = struct.pack("=IHHII", 24, 0x14, 2, 7, 0) + attribute(3, b"\x05\0\0\0")
STATS = struct.pack("=BBHII", 0, 0, 0, 4, 1) + attribute(1, struct.pack(f"={len(LINK_STATS)}Q", *range(len(LINK_STATS))))


def test_counters_are_those_of_sysfs():
    before, told, after = sysfs(), link_stats(), sysfs()
    assert set(told) == set(before)
    for device, counters in before.items():
        for name, least in counters.items():
            assert least <= told[device][name] <= after[device][name], f"{device} {name}"


def sysfs():
    found = {}
    for device in os.listdir("/sys/class/net"):
        folder = f"/sys/class/net/{device}/statistics"
        if os.path.isdir(folder):
            found[device] = {name: number(f"{folder}/{name}") for name in os.listdir(folder)}
    return found


def number(path):
    with open(path) as file:
        return int(file.read())


def test_the_kernel_s_refusal_is_an_oserror():
    with Netlink(NETLINK_ROUTE) as link, pytest.raises(OSError):
        link.ask(0x7FF0, b"\0" * 16)  # no such message


def test_attributes_there_and_back():
    packed = attribute(1, b"abc") + attribute(0x8002, b"") + attribute(1, b"\x07\0\0\0\0\0\0\0")
    assert len(packed) % 4 == 0
    assert attribute_list(packed) == [(1, b"abc"), (2, b""), (1, b"\x07\0\0\0\0\0\0\0")]
    assert unsigned(attributes(packed)[1]) == 7


def test_a_message_and_its_end():
    assert list(messages(MESSAGE + MESSAGE)) == [(0x14, 7, MESSAGE[16:])] * 2
    for cut in (4, 15, 23):
        with pytest.raises(FormatError, match="netlink:0"):
            list(messages(MESSAGE[:cut]))


def test_an_older_kernel_s_shorter_statistics():
    index, counters = parse_link_stats(STATS)
    assert index == 4 and counters["rx_missed_errors"] == LINK_STATS.index("rx_missed_errors")
    shorter = struct.pack("=BBHII", 0, 0, 0, 4, 1) + attribute(1, struct.pack("=3Q", 1, 2, 3))
    assert parse_link_stats(shorter) == (4, {"rx_packets": 1, "tx_packets": 2, "rx_bytes": 3})


@given(damaged(MESSAGE, STATS))
def test_nothing_breaks_the_parsers(data):
    for parse in (messages, attribute_list, parse_link_stats):
        with contextlib.suppress(FormatError):
            result = parse(data)
            list(result)
