"""Network devices as they are set up: driver, queues with RPS and XPS, rings, channels, coalescing, NAPI instances."""

import re

from tophalf.errors import FormatError
from tophalf.host.fields import cpu_mask, link_name, link_text, number, optional, pci_address, speaks_here, word
from tophalf.host.readers import ethtool_text
from tophalf.host.readers.nicstats import NET, asleep
from tophalf.nictext import NAPI_FILE, parse_napis
from tophalf.snapshot import NetDevice

_QUEUE = re.compile(r"(rx|tx)-(\d{1,6})", re.ASCII)


def read_net(root):
    """{device: NetDevice}; None when no device is recorded.

    Sources: /sys/class/net (net/core/net-sysfs.c); live also generic netlink; in a sosreport what ethtool printed.
    """
    names = root.listing(NET)
    details = _live_details(root, names) if speaks_here(root) else _recorded_details(root)
    if not names:
        names = sorted(details) or _names_in_proc(root)
    devices = {name: _read_device(root, name, details.get(name, {})) for name in names if name != "bonding_masters"}
    return devices or None


def _read_device(root, name, details):
    folder = f"{NET}/{name}"
    queues = _queues(root, folder)
    speed = number(root, f"{folder}/speed")  # EINVAL while the device is down; -1 where it has none
    driver, address = details.pop("driver", (None, None))
    return NetDevice(
        name=name,
        driver=link_name(root, f"{folder}/device/driver") or driver,
        pci_address=_pci_address(root, folder) or pci_address(address),
        operstate=word(root, f"{folder}/operstate"),
        speed_mbps=speed if speed and speed > 0 else None,
        mtu=number(root, f"{folder}/mtu"),
        ifindex=number(root, f"{folder}/ifindex"),
        gro_flush_timeout_ns=number(root, f"{folder}/gro_flush_timeout"),
        napi_defer_hard_irqs=number(root, f"{folder}/napi_defer_hard_irqs"),
        threaded=_threaded(root, folder),
        **queues, **details,
    )  # fmt: skip


def _threaded(root, folder):
    """0 and 1; 6.18 has 2 for polling that never stops. True for both of the latter."""
    value = number(root, f"{folder}/threaded")
    return None if value is None else value > 0


def _queues(root, folder):
    """rps, rps_flow_cnt, xps and the number of queues on each side; all None without a queues/ directory."""
    found = {"rps": {}, "rps_flow_cnt": {}, "xps": {}, "rx_queues": 0, "tx_queues": 0}
    names = root.listing(f"{folder}/queues")
    for name in names:
        queue = _QUEUE.fullmatch(name)
        if not queue:
            continue
        side, index, path = queue[1], int(queue[2]), f"{folder}/queues/{name}"
        found[f"{side}_queues"] += 1
        if side == "rx":
            _put(found["rps"], index, cpu_mask(root, f"{path}/rps_cpus"))
            _put(found["rps_flow_cnt"], index, number(root, f"{path}/rps_flow_cnt"))
        else:
            _put(found["xps"], index, cpu_mask(root, f"{path}/xps_cpus"))  # ENOENT with a single queue
    return found if names else {}


def _put(table, key, value):
    if value is not None:
        table[key] = value


def _pci_address(root, folder):
    link = link_text(root, folder)
    if link is None and not root.live:
        link = root.real(folder)
    return pci_address(link)


def _live_details(root, names):
    """{device: fields from netlink}. A sleeping device is not asked; a kernel without a family leaves its fields None."""
    from tophalf.host.readers.genetlink import ethtool_settings, napi_instances

    details = {name: {} for name in names}
    awake = []
    for name in names:
        if link_text(root, f"{NET}/{name}/device") is None:
            continue
        if asleep(root, name):
            root.missing[f"ethtool {name}"] = "the device sleeps, and asking would wake it"
        else:
            awake.append(name)
    for name, settings in (_netlink(root, "ethtool", lambda: ethtool_settings(awake)) or {}).items():
        details[name].update(settings)
    by_index = _netlink(root, "netdev", napi_instances) or {}
    for name in names:
        napis = by_index.get(number(root, f"{NET}/{name}/ifindex"))
        if napis:
            details[name]["napi"] = napis
    return details


def _netlink(root, family, question):
    try:
        return question()
    except FileNotFoundError:
        root.missing[f"netlink {family}"] = "this kernel has no such family"  # ethtool: Linux 5.6; netdev: 6.3
    except (OSError, FormatError) as error:  # EOPNOTSUPP: a family without the command (NAPI instances: Linux 6.8)
        root.missing[f"netlink {family}"] = getattr(error, "strerror", None) or str(error)
    return None


def _recorded_details(root):
    parsers = {
        "rings": ("g", ethtool_text.parse_limits),
        "channels": ("l", ethtool_text.parse_limits),
        "coalesce": ("c", ethtool_text.parse_coalesce),
        "driver": ("i", ethtool_text.parse_driver),
    }
    details = {}
    for field, (flag, parse) in parsers.items():
        for device, (_, text) in ethtool_text.recorded(root, flag).items():
            details.setdefault(device, {})[field] = parse(text) or None
    for device, napis in _recorded_napis(root).items():
        details.setdefault(device, {})["napi"] = napis
    return details


def _recorded_napis(root):
    text = optional(root, NAPI_FILE)
    try:
        return parse_napis(text) if text else {}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        root.missing[NAPI_FILE] = f"not NAPI instances ({error})"
        return {}


def _names_in_proc(root):
    text = optional(root, "/proc/net/dev") or ""
    return sorted({line.rpartition(":")[0].strip() for line in text.split("\n") if ":" in line} - {""})
