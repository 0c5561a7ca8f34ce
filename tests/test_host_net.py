"""Network devices: a veth pair with four queues in a namespace of its own, this machine's NIC, a sosreport's layout."""

import json
import os

import pytest
from hypothesis import given

from damage import damaged, survives
from netns import run_in_namespace
from tophalf.host.readers.net import read_net
from tophalf.host.roots import MemoryRoot, live_root

READ = """
import json
from tophalf.host.readers.net import read_net
from tophalf.host.roots import live_root
root = live_root()
device = read_net(root)["tv0"].as_dict()
device["napi"] = [napi.as_dict() for napi in device["napi"] or ()]
print(json.dumps({"device": device, "missing": root.missing}))
"""
RINGS = (
    b"Ring parameters for eth0:\nPre-set maximums:\nRX:\t\t4096\nRX Mini:\tn/a\nTX:\t\t4096\n"
    b"Current hardware settings:\nRX:\t\t512\nTX:\t\t256\n"
)
PCI = "/sys/devices/pci0000:00/0000:00:03.0"
NET = f"{PCI}/net/eth0"
ETHTOOL = "/sos_commands/networking/ethtool_"


def test_queues_are_read_as_they_were_set():
    device = run_in_namespace(READ)["device"]
    assert device["rx_queues"] == device["tx_queues"] == 4
    assert device["rps"] == {"0": [], "1": [], "2": [0, 1], "3": []} and device["rps_flow_cnt"]["2"] == 64
    assert device["xps"]["1"] == [0] and device["xps"]["0"] == []
    assert (device["gro_flush_timeout_ns"], device["napi_defer_hard_irqs"]) == (20000, 2)
    assert device["operstate"] == "up" and device["mtu"] == 1500 and device["pci_address"] is None


def test_napi_instances_of_a_device_that_has_them():
    """veth polls by NAPI once it does GRO; each queue then has an instance, told by netlink only (Linux 6.8)."""
    before = "command -v ethtool >/dev/null && ethtool -K tv0 gro on"
    found = run_in_namespace(READ, before)
    napis = found["device"]["napi"]
    if not napis:
        pytest.skip(f"no NAPI instances told ({found['missing'] or 'no ethtool to switch GRO on'})")
    assert len(napis) == 4 and len({napi["napi_id"] for napi in napis}) == 4
    if napis[0]["defer_hard_irqs"] is not None:  # Linux 6.13
        assert {(napi["defer_hard_irqs"], napi["gro_flush_timeout_ns"]) for napi in napis} == {(2, 20000)}


def test_this_machine():
    devices = read_net(live_root())
    assert set(devices) == {name for name in os.listdir("/sys/class/net") if name != "bonding_masters"}
    assert devices["lo"].mtu == 65536 and devices["lo"].driver is None
    for name, device in devices.items():
        driver = f"/sys/class/net/{name}/device/driver"
        assert device.driver == (os.path.basename(os.path.realpath(driver)) if os.path.exists(driver) else None)
        assert device.rx_queues == sum(queue.startswith("rx-") for queue in os.listdir(f"/sys/class/net/{name}/queues"))


def sosreport():
    """Made up, after the layout of sos 4: links kept, ethtool's output beside."""
    files = {f"{NET}/queues/rx-0/rps_cpus": b"00000000,0000000c\n", f"{NET}/queues/rx-10/rps_cpus": b"0\n",
             f"{NET}/queues/tx-0/xps_cpus": b"f\n", f"{NET}/operstate": b"up\n", f"{NET}/speed": b"-1\n",
             f"{NET}/threaded": b"2\n", f"{ETHTOOL}-g_eth0": RINGS,
             f"{ETHTOOL}-l_eth0": b"Channel parameters for eth0:\nCannot get\n",
             f"{ETHTOOL}-c_eth0": b"Coalesce parameters for eth0:\nAdaptive RX: on  TX: n/a\nrx-usecs: 3\n"}  # fmt: skip
    links = {"/sys/class/net/eth0": "../../devices/pci0000:00/0000:00:03.0/net/eth0",
             f"{PCI}/driver": "../../../bus/pci/drivers/ixgbe", f"{NET}/device": "../../../0000:00:03.0"}  # fmt: skip
    return files, links


def test_a_sosreport():
    device = read_net(MemoryRoot(*sosreport()))["eth0"]
    assert device.rps == {0: (2, 3), 10: ()} and device.xps == {0: (0, 1, 2, 3)} and device.rx_queues == 2
    assert device.rings == {"rx_max": 4096, "tx_max": 4096, "rx": 512, "tx": 256} and device.channels is None
    assert device.coalesce == {"adaptive_rx": True, "rx_usecs": 3}
    assert (device.driver, device.pci_address, device.speed_mbps, device.threaded) == ("ixgbe", "0000:00:03.0", None, True)


def test_a_sosreport_without_sys():
    files = {path: data for path, data in sosreport()[0].items() if path.startswith("/sos")}
    files[f"{ETHTOOL}-i_eth1"] = b"driver: igb\nbus-info: 0000:05:00.0\n"
    devices = read_net(MemoryRoot(files, {}))
    assert (devices["eth1"].driver, devices["eth1"].pci_address) == ("igb", "0000:05:00.0")
    assert devices["eth0"].rings["rx"] == 512 and devices["eth0"].rx_queues is None


def test_napi_instances_of_a_recording():
    told = b'{"eth0": [{"napi_id": 8193, "irq": 24, "rx_queues": [0, 1]}]}'
    root = MemoryRoot({"/sys/class/net/eth0/mtu": b"1500\n", "/netdev_napi.json": told}, {})
    napi = read_net(root)["eth0"].napi[0]
    assert (napi.napi_id, napi.irq, napi.rx_queues, napi.tx_queues) == (8193, 24, (0, 1), None)


@pytest.mark.parametrize("text", [b"[", b"[1]", b'{"eth0": 1}', b'{"eth0": [1]}', b'{"eth0": [{"x": 1}]}',
                                  b'{"eth0": [{"irq": {}}]}', b'{"eth0": [{"irq": ["a"]}]}', b"[" * 100_000])  # fmt: skip
def test_what_is_no_napi_instance_is_noted(text):
    root = MemoryRoot({"/sys/class/net/eth0/mtu": b"1500\n", "/netdev_napi.json": text}, {})
    assert read_net(root)["eth0"].napi is None
    assert "not NAPI instances" in root.missing["/netdev_napi.json"]


def test_nothing_recorded():
    assert read_net(MemoryRoot({}, {})) is None
    assert list(read_net(MemoryRoot({"/proc/net/dev": b"h|\n h|\n  eth7: 1 2\n"}, {}))) == ["eth7"]


def test_a_field_that_is_none_is_null():
    json.dumps(read_net(MemoryRoot(*sosreport()))["eth0"].as_dict())


@given(damaged(RINGS, b"0000000c\n", b"up\n", b"100\n", b"driver: ixgbe\nbus-info: 0000:00:03.0\n"))
def test_nothing_breaks_the_reader(data):
    files, links = sosreport()
    files[f"{ETHTOOL}-i_eth0"] = data
    survives(read_net, dict.fromkeys(files, data), links)
    survives(read_net, {"/proc/net/dev": data})
