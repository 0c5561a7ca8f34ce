"""Counters of network devices: packets that we sent are counted, drops of the driver join in, other sources, damage."""

import socket

import pytest
from hypothesis import given

from damage import damaged, survives
from netns import run_in_namespace
from tophalf.errors import FormatError
from tophalf.host.readers.nicstats import PROC_COLUMNS, parse_net_dev, read_netdev_stats
from tophalf.host.roots import DirRoot, MemoryRoot, live_root

DEV = b"""Inter-|   Receive                            |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
eth0:1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
"""


def test_23_datagrams_are_counted_on_lo():
    before = read_netdev_stats(live_root())["lo"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        sink.bind(("127.0.0.1", 0))
        for _ in range(23):
            source.sendto(b"x", sink.getsockname())
        after = read_netdev_stats(live_root())["lo"]
    assert after["rx_packets"] - before["rx_packets"] >= 23 and after["tx_packets"] - before["tx_packets"] >= 23


def test_netlink_sysfs_and_proc_agree_on_this_machine():
    told = read_netdev_stats(live_root())
    with open("/proc/net/dev") as file:
        shown = parse_net_dev(file.read())
    assert set(told) == set(shown)
    for device, counters in shown.items():
        assert told[device]["tx_errors"] == counters["tx_errors"] and told[device]["multicast"] <= counters["multicast"]
        assert told[device]["rx_dropped"] + told[device]["rx_missed_errors"] == counters["rx_dropped"]


def test_exactly_23_frames_that_nobody_wants_are_23_drops():
    """A frame of a protocol without a handler is dropped (net/core/dev.c __netif_receive_skb_core) and counted at its device."""
    script = """
import json, socket
from tophalf.host.readers.nicstats import read_netdev_stats
from tophalf.host.roots import live_root
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("tv0", 0))
before = read_netdev_stats(live_root())["tv1"]
for _ in range(23):
    out.send(b"\\xff" * 12 + b"\\x88\\xb5" + bytes(50))
after = read_netdev_stats(live_root())["tv1"]
print(json.dumps({name: after[name] - before[name] for name in after}))
"""
    moved = run_in_namespace(script)
    assert moved["rx_dropped"] == 23 and moved["rx_packets"] >= 23


def test_a_driver_s_drops_are_those_that_speak_of_drops():
    script = """
import json
from tophalf.host.readers.nicstats import _DROP_LIKE
from tophalf.host.readers.ethtool_ioctl import Ethtool
with Ethtool() as e: print(json.dumps([name for name in e.stats('tv0') if _DROP_LIKE.search(name)]))
"""
    names = run_in_namespace(script)
    assert "rx_queue_0_drops" in names and "peer_ifindex" not in names


@pytest.mark.parametrize(
    ("name", "kept"),
    [("rx_missed_errors", True), ("rx_no_buffer_count", True), ("rx_out_of_buffer", True), ("port.rx_dropped", True),
     ("rx_discards_phy", True), ("rx_alloc_failed", True), ("rx_no_dma_resources", True),
     ("alloc_rx_buff_failed", True), ("rx_wqe_err", True), ("tx_packets", False), ("rx_bytes", False), ("tx_kicks", False),
     ("rx_csum_offload_errors", False), ("transmission_good", False)],
)  # fmt: skip
def test_which_counters_of_a_driver_are_kept(name, kept):
    files = {"/proc/net/dev": DEV, "/sos_commands/networking/ethtool_-S_lo": b"NIC statistics:\n     %s: 7\n" % name.encode()}
    assert ("7" in str(read_netdev_stats(MemoryRoot(files, {}))["lo"].get(name))) is kept


def test_sysfs_of_a_recording_is_preferred_to_proc():
    folder = "/sys/devices/virtual/net/lo"
    files = {"/proc/net/dev": DEV, f"{folder}/statistics/rx_dropped": b"5\n", f"{folder}/statistics/rx_packets": b"x\n"}
    root = MemoryRoot(files, {"/sys/class/net/lo": "../../devices/virtual/net/lo"})
    assert read_netdev_stats(root) == {"lo": {"rx_dropped": 5}}
    assert "not a number" in root.missing["/sys/class/net/lo/statistics/rx_packets"]


def test_a_copy_of_this_machine_s_proc(tmp_path):
    (tmp_path / "proc" / "net").mkdir(parents=True)
    (tmp_path / "proc" / "net" / "dev").write_bytes(DEV)
    stats = read_netdev_stats(DirRoot(str(tmp_path)))
    assert stats["eth0:1"] == dict(zip(PROC_COLUMNS, range(1, 17), strict=True)) and stats["lo"]["rx_packets"] == 29


def test_nothing_recorded():
    root = MemoryRoot({}, {})
    assert read_netdev_stats(root) is None and root.missing["/proc/net/dev"] == "not recorded"


def test_damage_says_where():
    with pytest.raises(FormatError, match="/proc/net/dev:3: not 16 counters"):
        parse_net_dev("a|\nb|\n lo: 1 2\n")
    with pytest.raises(FormatError, match="/proc/net/dev:1: not a line of a device"):
        parse_net_dev("garbage\n")


@given(damaged(DEV), damaged(b"NIC statistics:\n rx_drops: 1\n"), damaged(b"12\n"))
def test_nothing_breaks_the_reader(dev, ethtool_s, number):
    survives(read_netdev_stats, {"/proc/net/dev": dev, "/sos_commands/networking/ethtool_-S_eth0": ethtool_s})
    survives(read_netdev_stats, {"/sys/class/net/lo/statistics/rx_dropped": number})
