"""What network devices count: packets and drops of each device, and the drop-like counters of its driver (ethtool -S)."""

import re

from tophalf.errors import FormatError
from tophalf.host.fields import integer, link_text, number, optional, speaks_here, word
from tophalf.host.readers.ethtool_text import parse_statistics, recorded

NET = "/sys/class/net"
_DROP_LIKE = re.compile(
    r"drop|discard|miss(?!ion)|no_?buf|no_?dma|no_?desc|no_?mem|out_of_buf|overrun|over_?err|overflow|fifo|starv|exhaust|"
    r"alloc\w*(?:fail|err)|(?:fail|err)\w*alloc|wqe_err|ring_full|rx_full|no_space",
    re.IGNORECASE,
)
# net/core/net-procfs.c dev_seq_printf_stats: some columns of /proc/net/dev are sums of several counters
PROC_COLUMNS = (
    "rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "rx_fifo_errors", "rx_frame_errors", "rx_compressed", "multicast",
    "tx_bytes", "tx_packets", "tx_errors", "tx_dropped", "tx_fifo_errors", "collisions", "tx_carrier_errors",
    "tx_compressed",
)  # fmt: skip


def read_netdev_stats(root):
    """{device: {counter: int}}; None when nothing of it is recorded.

    Counters are those of /sys/class/net/*/statistics, and those of the driver whose names speak of drops. One drop can show
    in several (a driver's rx_drops sums its rx0_drops, and may be in rx_dropped as well): compare them, never add. From
    /proc/net/dev alone, rx_dropped holds rx_missed_errors too, and rx_frame_errors and tx_carrier_errors are sums.
    Raises: FormatError for a broken /proc/net/dev.
    """
    stats = _live_stats(root) if speaks_here(root) else None
    if stats is None:
        stats = _sys_stats(root) or _proc_stats(root)
    drivers = _live_driver_stats(root, stats) if speaks_here(root) else _recorded_driver_stats(root)
    for device, counters in drivers.items():
        own = stats.setdefault(device, {})
        own.update((name, count) for name, count in counters.items() if name not in own and _DROP_LIKE.search(name))
    return stats or None


def parse_net_dev(text, where="/proc/net/dev"):
    """{device: {counter: int}} of /proc/net/dev. Raises: FormatError."""
    found = {}
    for at, line in enumerate(text.split("\n"), 1):
        name, colon, rest = line.rpartition(":")  # an alias such as eth0:1 has a colon of its own
        if not colon:
            if "|" not in line and line.strip():
                raise FormatError(f"not a line of a device: {line[:40]!r}", f"{where}:{at}")
            continue
        counts = [integer(cell) for cell in rest.split()]
        if len(counts) != len(PROC_COLUMNS) or None in counts:
            raise FormatError(f"not {len(PROC_COLUMNS)} counters", f"{where}:{at}")
        found[name.strip()] = dict(zip(PROC_COLUMNS, counts, strict=True))
    return found


def asleep(root, device):
    """Whether asking the device's driver would wake it (runtime PM: drivers/base/power/sysfs.c runtime_status_show)."""
    return word(root, f"{NET}/{device}/device/power/runtime_status") in ("suspended", "suspending")


def _live_stats(root):
    from tophalf.host.readers.netlink import link_stats

    try:
        return link_stats()
    except (OSError, FormatError) as error:
        root.missing["rtnetlink"] = str(error)
        return None


def _sys_stats(root):
    found = {}
    for device in root.listing(NET):
        folder = f"{NET}/{device}/statistics"
        counters = {name: number(root, f"{folder}/{name}") for name in root.listing(folder)}
        counters = {name: count for name, count in counters.items() if count is not None}
        if counters:
            found[device] = counters
    return found


def _proc_stats(root):
    path = "/proc/1/net/dev" if root.live and root.prefix else "/proc/net/dev"
    text = optional(root, path)
    if text is None:
        root.missing[path] = root.missing.get(path, "not recorded")
    return parse_net_dev(text, path) if text else {}


def _live_driver_stats(root, stats):
    from tophalf.host.readers.ethtool_ioctl import Ethtool

    found = {}
    with Ethtool() as ethtool:
        for device in stats:
            if link_text(root, f"{NET}/{device}/device") is None or asleep(root, device):
                continue
            try:
                found[device] = ethtool.stats(device)
            except (OSError, FormatError) as error:
                root.missing[f"ethtool -S {device}"] = getattr(error, "strerror", None) or str(error)
    return found


def _recorded_driver_stats(root):
    found = {}
    for device, (path, text) in recorded(root, "S").items():
        try:
            found[device] = parse_statistics(text, path)
        except FormatError as error:
            root.missing[path] = error.what
    return found
