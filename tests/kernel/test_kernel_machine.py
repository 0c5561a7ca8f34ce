"""Devices, threads, log and daemons on real kernels, each against a second interface of the same kernel."""

import json

import pytest
from asking import ask

from tophalf.host.readers.ethtool_text import parse_coalesce, parse_limits

READ = """python3 -c "
import json, sys
from tophalf.host.read import READERS, FACT_READERS, _read
from tophalf.host.roots import live_root
root = live_root()
def plain(value):
    if hasattr(value, 'as_dict'): return plain(value.as_dict())
    if isinstance(value, dict): return {name(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
def name(key):
    return '/'.join(map(str, key)) if isinstance(key, tuple) else str(key)
fields = {field: plain(_read(root, *(READERS | FACT_READERS)[field])) for field in sys.argv[1:]}
print(json.dumps(fields | {'missing': root.missing}))
" %s"""
NICS = ("eth0", "eth1")
RPS = "/sys/class/net/eth0/queues/rx-0/rps_cpus"


def read(*fields):
    return READ % " ".join(fields)


def test_rings_channels_and_coalescing_are_those_that_ethtool_prints(guest):
    commands = [f"ethtool -{flag} {nic} 2>/dev/null; true" for nic in NICS for flag in "glc"]
    answer, *printed = ask(guest, read("net"), *commands)
    devices = json.loads(answer)["net"]
    told = [devices[nic][field] or {} for nic in NICS for field in ("rings", "channels", "coalesce")]
    assert told == [parse(text) for text, parse in zip(printed, (parse_limits, parse_limits, parse_coalesce) * 2, strict=True)]
    assert devices["eth0"]["channels"]["combined"] == 4 and devices["eth1"]["coalesce"]["rx_usecs"] > 0
    assert (devices["eth0"]["driver"], devices["eth1"]["driver"]) == ("virtio_net", "e1000e")


def test_settings_that_were_changed_are_read_changed(guest):
    before = json.loads(ask(guest, read("net"))[0])["net"]
    guest.check(f"ethtool -C eth1 rx-usecs 100; echo 5 >{RPS}; ethtool -L eth0 combined 2")
    try:
        after = json.loads(ask(guest, read("net"))[0])["net"]
    finally:
        usual = before["eth1"]["coalesce"]["rx_usecs"]
        guest.check(f"ethtool -C eth1 rx-usecs {usual}; ethtool -L eth0 combined 4; echo 0 >{RPS}")
    assert before["eth1"]["coalesce"]["rx_usecs"] != 100 and after["eth1"]["coalesce"]["rx_usecs"] == 100
    assert after["eth0"]["rps"]["0"] == [0, 2] and before["eth0"]["rps"]["0"] == []
    assert after["eth0"]["channels"]["combined"] == 2 and before["eth0"]["channels"]["combined"] == 4


@pytest.mark.on("6.12", "rt")
def test_one_napi_instance_for_each_queue(guest):
    devices = json.loads(ask(guest, read("net"))[0])["net"]
    assert len({napi["napi_id"] for napi in devices["eth0"]["napi"]}) >= devices["eth0"]["channels"]["combined"]
    assert len(devices["eth1"]["napi"]) == 1


@pytest.mark.on("6.1")
def test_a_kernel_without_the_netdev_family_is_said_to_have_none(guest):
    answer = json.loads(ask(guest, read("net"))[0])
    assert answer["net"]["eth0"]["napi"] is None and answer["missing"]["netlink netdev"] == "this kernel has no such family"


def test_driver_counters_lie_between_two_looks_of_ethtool(guest):
    look = "ethtool -S eth1"
    before, answer, after = ask(guest, look, read("netdev_stats"), look)
    told = json.loads(answer)["netdev_stats"]["eth1"]
    before, after = (dict(line.strip().split(": ") for line in text.splitlines()[1:]) for text in (before, after))
    assert int(before["rx_packets"]) <= told["rx_packets"] <= int(after["rx_packets"])
    for name in ("rx_no_buffer_count", "rx_missed_errors", "alloc_rx_buff_failed"):
        assert int(before[name]) <= told[name] <= int(after[name])
    assert "rx_long_length_errors" not in told


def test_nvme_queues_have_the_cpus_of_their_interrupts(guest):
    """Two ways to one spread: blk-mq's map of the queues and the managed masks (block/blk-mq-cpumap.c, kernel/irq/affinity.c)."""
    answer, masks = ask(guest, read("block", "pci"), "grep -H . /proc/irq/*/smp_affinity_list; grep nvme0q /proc/interrupts")
    facts = json.loads(answer)
    lists = dict(line.removeprefix("/proc/irq/").replace("/smp_affinity_list", "").split(":") for line in masks.splitlines()
                 if line.startswith("/proc"))  # fmt: skip
    irqs = {line.split()[-1]: line.split(":")[0].strip() for line in masks.splitlines() if "nvme0q" in line}
    queues = next(disk["queues"] for disk in facts["block"].values() if disk["driver"] == "nvme" and disk["queues"])
    assert {queue: ",".join(map(str, cpus)) for queue, cpus in queues.items()} == {
        str(number): lists[irqs[f"nvme0q{number + 1}"]] for number in range(len(queues))
    }
    assert {facts["pci"][irq]["driver"] for irq in irqs.values()} == {"nvme"}


def test_owners_of_interrupts_are_those_of_sysfs(guest):
    answer, folders = ask(guest, read("pci"), "ls -d /sys/bus/pci/devices/*/msi_irqs/*")
    owned = {path.rpartition("/")[2]: path.split("/")[5] for path in folders.split()}
    pci = json.loads(answer)["pci"]
    assert {irq: pci[irq]["address"] for irq in owned} == owned


def test_threads_are_those_of_ps(guest):
    look = "ps -eo pid,class,rtprio,comm --no-headers | grep -E ' (ksoftirqd|ktimers|rcuc)/| irq/'"
    answer, printed = ask(guest, read("threads", "boot"), look)
    facts = json.loads(answer)
    threads = {str(thread["pid"]): thread for thread in facts["threads"].values() if thread["kind"] != "kworker"}
    rows = [line.split(None, 3) for line in printed.splitlines()]
    assert {row[0] for row in rows} <= set(threads)
    for pid, policy, priority, _ in rows:
        assert threads[pid]["policy"] == {"FF": "SCHED_FIFO", "TS": "SCHED_OTHER"}[policy]
        assert threads[pid]["rt_priority"] == (0 if priority == "-" else int(priority))
    kinds = {thread["kind"] for thread in threads.values()}
    realtime = {"ksoftirqd", "ktimers", "rcuc", "irq"}
    assert kinds >= (realtime if facts["boot"]["preempt_rt"] else {"ksoftirqd"})
    assert not facts["boot"]["preempt_rt"] or not kinds - realtime - {"napi"}


@pytest.mark.on("6.12")
def test_nobody_cared_is_read_from_the_live_log(guest, labirq, level_line):
    labirq.set(deny=1, hold_us=20_000)
    guest.check(f"for i in $(seq 300); do dmesg | grep -q 'Disabling IRQ #{level_line}' && exit 0; "
                "echo 1 >/sys/module/labirq/parameters/raise; sleep 0.1; done; exit 1", timeout_s=90)  # fmt: skip
    texts = [line["text"] for line in json.loads(ask(guest, read("log"))[0])["log"]]
    begin = max(index for index, text in enumerate(texts) if text.startswith(f"irq {level_line}: nobody cared"))
    assert texts[begin + 1] == "handlers:" and f"Disabling IRQ #{level_line}" in texts[begin:]
    assert any("labirq" in text for text in texts[begin:])


@pytest.mark.on("6.12")
def test_irqbalance_says_its_bans_over_its_socket(guest):
    """The bans are those of its command line; the CPUs can only come from the process itself or its environment."""
    start = ("mkdir -p /run/irqbalance; IRQBALANCE_BANNED_CPULIST=3 irqbalance --foreground -t 7 --banirq=4 -i 8 >/dev/null 2>&1 & "
             "for i in $(seq 100); do ls /run/irqbalance/*.sock >/dev/null 2>&1 && break; sleep 0.1; done")  # fmt: skip
    try:
        answer = json.loads(ask(guest, start + "\n" + read("daemons"))[0])
    finally:
        guest.check("kill $(cat /proc/[0-9]*/stat | sed -n 's/^\\([0-9]*\\) (irqbalance).*/\\1/p'); true")
    daemon = answer["daemons"]["irqbalance"]
    assert (daemon["bans"], daemon["banned_cpus"], daemon["interval_s"]) == ([4, 8], [3], 7)
    assert daemon["arguments"][1:] == ["--foreground", "-t", "7", "--banirq=4", "-i", "8"]
    assert not any(path.endswith(".sock") for path in answer["missing"])
