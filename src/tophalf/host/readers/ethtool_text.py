"""What ethtool printed, as sosreports keep it: -S, -g, -l, -c, -i under sos_commands/networking."""

import re

from tophalf.errors import FormatError
from tophalf.host.fields import integer, optional, optional_listing
from tophalf.nictext import FOLDER

_ADAPTIVE = re.compile(r"Adaptive RX: (\S+)\s+TX: (\S+)")
_CQE_MODE = re.compile(r"CQE mode RX: (\S+)\s+TX: (\S+)")


def recorded(root, flag):
    """{device: (path, text)} of every ethtool output with that flag ("S", "g", "l", "c", "i") in a sosreport."""
    head = f"ethtool_-{flag}_"
    names = [name for name in optional_listing(root, FOLDER) if name.startswith(head)]
    texts = {name[len(head) :]: (f"{FOLDER}/{name}", optional(root, f"{FOLDER}/{name}")) for name in names}
    return {device: found for device, found in texts.items() if found[1]}


def parse_statistics(text, where=""):
    """{counter: int} of `ethtool -S`. Lines that are no counter are skipped (a driver may print headings).

    Raises: FormatError when it is not the output of ethtool -S at all.
    """
    lines = text.split("\n")
    if lines[0].strip() != "NIC statistics:":
        if "no stats available" in lines[0].lower() or "operation not supported" in lines[0].lower():
            return {}
        raise FormatError("not the output of ethtool -S", f"{where}:1")
    found = {}
    for line in lines[1:]:
        name, _, value = line.strip().rpartition(":")
        count = integer(value)
        if name and count is not None:
            found[name.strip()] = count
    return found


def parse_limits(text):
    """`ethtool -g` or `-l`: {"rx_max": n, "rx": n, ...}; what is "n/a" is left out. Never an error: unknown lines are skipped."""
    found, suffix = {}, None
    for line in text.split("\n"):
        if line.startswith("Pre-set maximums"):
            suffix = "_max"
        elif line.startswith("Current hardware settings"):
            suffix = ""
        name, colon, value = line.partition(":")
        count = integer(value)
        if colon and count is not None and suffix is not None:
            found[name.strip().lower().replace(" ", "_") + suffix] = count
    return found


def parse_coalesce(text):
    """`ethtool -c`: {"rx_usecs": n, "adaptive_rx": bool, ...}; what is "n/a" is left out. Never an error."""
    found = {}
    for pattern, name in ((_ADAPTIVE, "adaptive"), (_CQE_MODE, "cqe_mode")):
        switches = pattern.search(text)
        for side, value in zip(("rx", "tx"), switches.groups() if switches else (), strict=False):
            if value in ("on", "off"):
                found[f"{name}_{side}"] = value == "on"
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        count = integer(value)
        if colon and count is not None:
            name = name.strip().replace("-", "_")
            found[name.replace("frame_", "frames_")] = count  # rx-frame-low is rx-frames-low everywhere else
    return found


def parse_driver(text):
    """`ethtool -i`: (driver, bus address), either may be None."""
    fields = dict(line.partition(":")[::2] for line in text.split("\n"))
    return fields.get("driver", "").strip() or None, fields.get("bus-info", "").strip() or None
