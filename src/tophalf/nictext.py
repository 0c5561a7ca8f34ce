"""What netlink and ioctls say of network devices, as the text that ethtool prints: the form in which recordings keep it.

The readers of recordings know it from sosreports (host/readers/ethtool_text.py). NAPI instances, which ethtool does not print, are
kept as JSON: {device: [{field of snapshot.Napi: value}]}.
"""

from tophalf.snapshot import Napi
from tophalf.vocab import LINK_STATS

FOLDER = "/sos_commands/networking"  # as in a sosreport
NAPI_FILE = "/netdev_napi.json"

_SWITCHES = ("adaptive", "cqe_mode")


def settings_text(devices):
    """Rings, channels, coalescing and drivers. devices: {name: NetDevice}, or None. Returns {path: bytes}."""
    files = {}
    for name, device in (devices or {}).items():
        for flag, text in (("g", _limits(device.rings)), ("l", _limits(device.channels)), ("c", _coalesce(device.coalesce))):
            if text:
                files[f"{FOLDER}/ethtool_-{flag}_{name}"] = text.encode()
    napis = {name: [napi.as_dict() for napi in device.napi] for name, device in (devices or {}).items() if device.napi}
    if napis:
        import json

        files[NAPI_FILE] = json.dumps(napis).encode()
    return files


def parse_napis(text):
    """{device: (Napi, ...)} of a recording's NAPI_FILE. Raises: ValueError where it is none."""
    import json

    found = {}
    for name, napis in json.loads(text).items():
        if not all(type(napi) is dict and set(napi) <= set(Napi.__slots__) for napi in napis):
            raise ValueError(f"not NAPI instances of {name}")
        found[name] = tuple(Napi(**{field: _plain(value) for field, value in napi.items()}) for napi in napis)
    return found


def _plain(value):
    """A number or none as they are, a list of queues as a tuple. Raises: ValueError for anything else."""
    if type(value) is list and all(type(each) is int for each in value):
        return tuple(value)
    if value is None or type(value) is int:
        return value
    raise ValueError(f"neither a number nor queues: {value!r:.40}")


def statistics_text(stats):
    """Counters of drivers. stats: as host/readers/nicstats.py reads them, or None. Returns {path: bytes}.

    The counters that /proc/net/dev and rtnetlink have are left out: they are recorded by themselves.
    """
    files = {}
    for name, counters in (stats or {}).items():
        own = [f"     {counter}: {count}" for counter, count in counters.items() if counter not in LINK_STATS]
        if own:
            files[f"{FOLDER}/ethtool_-S_{name}"] = "\n".join(["NIC statistics:", *own, ""]).encode()
    return files


def _limits(values):
    if not values:
        return None
    most = [f"{name.removesuffix('_max')}: {value}" for name, value in values.items() if name.endswith("_max")]
    now = [f"{name}: {value}" for name, value in values.items() if not name.endswith("_max")]
    return "\n".join(["Pre-set maximums:", *most, "Current hardware settings:", *now, ""])


def _coalesce(values):
    if not values:
        return None
    lines = []
    for name, title in zip(_SWITCHES, ("Adaptive", "CQE mode"), strict=True):
        lines.append(f"{title} RX: {_switch(values.get(f'{name}_rx'))}  TX: {_switch(values.get(f'{name}_tx'))}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in values.items() if not name.startswith(_SWITCHES)]
    return "\n".join([*lines, ""])


def _switch(value):
    return {True: "on", False: "off"}.get(value, "n/a")
