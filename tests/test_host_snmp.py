"""UDP counters: datagrams that we sent are counted; both IP versions are summed; damage."""

import socket

import pytest
from hypothesis import given

from damage import damaged, survives
from tophalf.errors import FormatError
from tophalf.host.readers.snmp import parse_snmp, parse_snmp6, read_udp
from tophalf.host.roots import MemoryRoot, live_root

SNMP = b"Ip: Forwarding DefaultTTL\nIp: 1 64\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\nUdp: 67 0 3 68 2\n" \
       b"UdpLite: InDatagrams NoPorts\nUdpLite: 0 0\n"  # fmt: skip
SNMP6 = b"Ip6InReceives                   \t29\nUdp6InDatagrams                 \t5\nUdp6RcvbufErrors                \t1\n" \
        b"UdpLite6InDatagrams             \t9\n"  # fmt: skip


def test_23_datagrams_are_counted_and_those_without_room_as_rcvbuf_errors():
    before = read_udp(live_root())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        sink.bind(("127.0.0.1", 0))
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel's least: room for one or two
        for _ in range(23):
            source.sendto(b"x" * 4000, sink.getsockname())
        after = read_udp(live_root())
        assert after["OutDatagrams"] - before["OutDatagrams"] >= 23
        assert after["RcvbufErrors"] - before["RcvbufErrors"] >= 20
        assert after["InErrors"] - before["InErrors"] >= 20


def test_both_ip_versions_are_summed():
    root = MemoryRoot({"/proc/net/snmp": SNMP, "/proc/net/snmp6": SNMP6}, {})
    assert read_udp(root) == {"InDatagrams": 72, "NoPorts": 0, "InErrors": 3, "OutDatagrams": 68, "RcvbufErrors": 3}
    assert read_udp(MemoryRoot({"/proc/net/snmp6": SNMP6}, {})) == {"InDatagrams": 5, "RcvbufErrors": 1}


def test_nothing_recorded():
    root = MemoryRoot({}, {})
    assert read_udp(root) is None and root.missing == {"/proc/net/snmp": "not recorded"}


@pytest.mark.parametrize(
    ("parse", "text", "where"),
    [
        (parse_snmp, "Udp: A B\nUdp: 1\n", "/proc/net/snmp:2"),
        (parse_snmp, "Udp: A\nUdp: x\n", "/proc/net/snmp:2"),
        (parse_snmp, "Udp: A\n", "/proc/net/snmp"),
        (parse_snmp6, "a 1\nUdp6A x\n", "/proc/net/snmp6:2"),
    ],
)
def test_damage_says_where(parse, text, where):
    with pytest.raises(FormatError, match=where):
        parse(text)


@given(damaged(SNMP), damaged(SNMP6))
def test_nothing_breaks_the_reader(v4, v6):
    survives(read_udp, {"/proc/net/snmp": v4, "/proc/net/snmp6": v6})
