"""NAPI instances, owners of vectors, topology: against what sockets, threads and tools of the guest say."""

import json
import re

import pytest
from asking import ask, by_file, cpus_of_mask, in_guest, row_of

FACTS = "python3 /project/tests/kernel/print_facts.py"
# 56 is SO_INCOMING_NAPI_ID (include/uapi/asm-generic/socket.h): which NAPI instance received the first packet of a socket
NAPI_IDS_OF_PACKETS = """python3 -c '
import socket
found = set()
for _ in range(60):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("0.0.0.0", 9))
    receiver.recv(100)
    found.add(receiver.getsockopt(socket.SOL_SOCKET, 56))
    receiver.close()
print(sorted(found))'"""
NAPI_THREADS = "cd /proc; grep -H ^napi/ [0-9]*/comm 2>/dev/null"


@pytest.fixture
def facts(guest):
    return json.loads(ask(guest, FACTS)[0])


@pytest.mark.on("6.12", "rt")
def test_napi_instances_are_those_that_receive_packets(guest, facts):
    flood = guest.flood(300, 60)
    try:
        received = json.loads(guest.check(NAPI_IDS_OF_PACKETS))
    finally:
        flood.kill()
        flood.wait()
    instances = {napi["napi_id"] for napi in facts["net"]["eth0"]["napi"]}
    assert len(instances) == 4 and len(received) >= 2
    assert set(received) <= instances


@pytest.mark.on("6.12", "rt")
def test_threads_of_napi_instances_are_those_of_the_process_list(guest):
    said, threads = ask(guest, f"echo 1 >/sys/class/net/eth0/threaded; {FACTS}; echo 0 >/sys/class/net/eth0/threaded", NAPI_THREADS)
    net = json.loads(said)["net"]["eth0"]
    names = {pid: files["comm"][0] for pid, files in by_file(threads).items()}
    assert net["threaded"] is True
    assert sorted(names[str(napi["pid"])] for napi in net["napi"]) == sorted(f"napi/eth0-{napi['napi_id']}" for napi in net["napi"])


def test_devices_own_the_vectors_that_bear_their_names(guest, facts):
    document = in_guest(guest, "irqs")
    owners = {"nvme0q0": "nvme", "nvme0q3": "nvme", "eth1-rx-0": "e1000e", "eth1-tx-0": "e1000e", "labirq": "labirq",
              "virtio0-req.0": "virtio-pci"}  # fmt: skip
    for action, driver in owners.items():
        assert facts["pci"][str(row_of(document, action)["irq"])]["driver"] == driver
    virtio = facts["net"]["eth0"]["pci_address"]
    named = {row["irq"] for row in document["irqs"] if any(re.search(r"-(in|out)put\.", action) for action in row["actions"])}
    owned = {int(irq) for irq, device in facts["pci"].items() if device["address"] == virtio}
    assert named < owned and len(owned - named) == 1  # the configuration vector


def test_transmit_queues_and_settings_agree_with_sysfs_and_sysctl(guest, facts):
    budget, masks = ask(guest, "sysctl -n net.core.netdev_budget", "grep -H . /sys/class/net/eth0/queues/tx-*/xps_cpus")
    assert facts["sysctl"]["net.core.netdev_budget"] == int(budget)
    expected = {folder.rpartition("-")[2]: cpus_of_mask(files["xps_cpus"][0]) for folder, files in by_file(masks).items()}
    assert facts["net"]["eth0"]["xps"] == expected


def test_topology_and_boot_agree_with_lscpu_and_uname(guest, facts):
    cpus, release = ask(guest, "lscpu -p=CPU,NODE,SOCKET", "uname -r")
    rows = [list(map(int, line.split(","))) for line in cpus.splitlines() if line and line[0] != "#"]
    topology = facts["topology"]
    assert topology["online"] == [cpu for cpu, _, _ in rows]
    assert topology["node_of"] == {str(cpu): node for cpu, node, _ in rows}
    assert topology["package_of"] == {str(cpu): package for cpu, _, package in rows}
    assert facts["boot"]["version"].split()[2] == release.strip()
    assert facts["boot"]["preempt_rt"] == ("-rt-" in release)
    assert facts["boot"]["isolated"] == [] and facts["boot"]["threadirqs"] is False
