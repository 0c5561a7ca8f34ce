"""PCI, network and block devices of a machine as the files and links of /sys that show them."""

from tophalf.nictext import FOLDER, settings_text
from tophalf.vocab import cpu_mask


def device_files(facts):
    """({path: text}, {link: target})."""
    files, links = {}, {}
    for device in {device.address: device for device in (facts.pci or {}).values()}.values():
        _add_pci(device, [irq for irq, owner in facts.pci.items() if owner.address == device.address], files, links)
    for device in (facts.net or {}).values():
        _add_net(device, files, links)
    for disk in (facts.block or {}).values():
        _add_disk(disk, files, links)
    files |= {path: text.decode() for path, text in settings_text(facts.net).items()}
    return files, links


def _add_pci(device, irqs, files, links):
    folder = f"/sys/bus/pci/devices/{device.address}"
    if device.driver:
        links[f"{folder}/driver"] = f"../../../bus/pci/drivers/{device.driver}"
    if device.node is not None:
        files[f"{folder}/numa_node"] = f"{device.node}\n"
    if device.class_code is not None:
        files[f"{folder}/class"] = f"{device.class_code:#08x}\n"
    for irq in device.msi or ():
        files[f"{folder}/msi_irqs/{irq}"] = "msix\n"
    if not device.msi and irqs:
        files[f"{folder}/irq"] = f"{irqs[0]}\n"
    if device.virtio:
        files[f"{folder}/{device.virtio}/.keep"] = ""


def _add_net(device, files, links):
    folder = f"/sys/class/net/{device.name}"
    for name, value in (("operstate", device.operstate), ("speed", device.speed_mbps), ("mtu", device.mtu),
                        ("ifindex", device.ifindex), ("gro_flush_timeout", device.gro_flush_timeout_ns),
                        ("napi_defer_hard_irqs", device.napi_defer_hard_irqs),
                        ("threaded", None if device.threaded is None else int(device.threaded))):  # fmt: skip
        if value is not None:
            files[f"{folder}/{name}"] = f"{value}\n"
    for side, count in (("rx", device.rx_queues), ("tx", device.tx_queues)):
        for queue in range(count or 0):
            files[f"{folder}/queues/{side}-{queue}/.keep"] = ""
    for side, name, table in (("rx", "rps_cpus", device.rps), ("tx", "xps_cpus", device.xps)):
        for queue, cpus in (table or {}).items():
            files[f"{folder}/queues/{side}-{queue}/{name}"] = cpu_mask(cpus) + "\n"
    for queue, count in (device.rps_flow_cnt or {}).items():
        files[f"{folder}/queues/rx-{queue}/rps_flow_cnt"] = f"{count}\n"
    told = f"driver: {device.driver or ''}\nbus-info: {device.pci_address or ''}\n"
    files[f"{FOLDER}/ethtool_-i_{device.name}"] = told


def _add_disk(disk, files, links):
    folder = f"/sys/block/{disk.name}"
    if disk.pci_address:
        behind = f"devices/pci0000:00/{disk.pci_address}/block/{disk.name}"
        links[folder], folder = f"../{behind}", f"/sys/{behind}"
    files[f"{folder}/device/.keep"] = ""
    if disk.driver:
        links[f"{folder}/device/driver"] = f"../../../bus/drivers/{disk.driver}"
    for queue, cpus in (disk.queues or {}).items():
        files[f"{folder}/mq/{queue}/cpu_list"] = ", ".join(map(str, cpus)) + "\n"
    if disk.scheduler:
        files[f"{folder}/queue/scheduler"] = f"[{disk.scheduler}]\n"
