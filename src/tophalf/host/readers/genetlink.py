"""Generic netlink: a NIC's rings, channels and coalescing (family ethtool), its NAPI instances and queues (family netdev).

Asked once a command: an ethtool question resumes a sleeping NIC (net/ethtool/netlink.c ethnl_ops_begin).
"""

import struct

from tophalf.errors import FormatError
from tophalf.host.readers.netlink import NETLINK_GENERIC, NLA_F_NESTED, Netlink, attribute, attributes, unsigned
from tophalf.snapshot import Napi

GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
_HEADER = struct.Struct("=BBH")  # struct genlmsghdr: command, version, reserved

# include/uapi/linux/ethtool_netlink.h. Settings are named as ethtool prints them, "_" for "-".
ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_MSG_COALESCE_GET = 15, 17, 19
ETHTOOL_A_HEADER, ETHTOOL_A_HEADER_DEV_NAME = 1, 2
RINGS = dict(enumerate(("rx_max", "rx_mini_max", "rx_jumbo_max", "tx_max", "rx", "rx_mini", "rx_jumbo", "tx"), 2))
CHANNELS = dict(enumerate(("rx_max", "tx_max", "other_max", "combined_max", "rx", "tx", "other", "combined"), 2))
COALESCE = dict(enumerate((
    "rx_usecs", "rx_frames", "rx_usecs_irq", "rx_frames_irq", "tx_usecs", "tx_frames", "tx_usecs_irq", "tx_frames_irq",
    "stats_block_usecs", "adaptive_rx", "adaptive_tx", "pkt_rate_low", "rx_usecs_low", "rx_frames_low", "tx_usecs_low",
    "tx_frames_low", "pkt_rate_high", "rx_usecs_high", "rx_frames_high", "tx_usecs_high", "tx_frames_high",
    "sample_interval", "cqe_mode_tx", "cqe_mode_rx",
), 2))  # fmt: skip
SWITCHES = ("adaptive_rx", "adaptive_tx", "cqe_mode_tx", "cqe_mode_rx")
_SETTINGS = {
    "rings": (ETHTOOL_MSG_RINGS_GET, RINGS),
    "channels": (ETHTOOL_MSG_CHANNELS_GET, CHANNELS),
    "coalesce": (ETHTOOL_MSG_COALESCE_GET, COALESCE),
}

# include/uapi/linux/netdev.h
NETDEV_CMD_QUEUE_GET, NETDEV_CMD_NAPI_GET = 10, 11
NETDEV_QUEUE_TYPE_RX = 0
NAPI = {1: "ifindex", 2: "napi_id", 3: "irq", 4: "pid", 5: "defer_hard_irqs", 6: "gro_flush_timeout_ns"}
QUEUE = {1: "id", 2: "ifindex", 3: "type", 4: "napi_id"}


def ethtool_settings(names):
    """{device: {"rings": {...}, "channels": {...}, "coalesce": {...}}}; what a driver does not have is left out.

    Raises: OSError when there is no such family (before Linux 5.6) or no netlink, FormatError.
    """
    with Netlink(NETLINK_GENERIC) as link:
        family = family_id(link, "ethtool")
        return {name: _settings_of(link, family, name) for name in names}


def napi_instances():
    """{ifindex: tuple of Napi}. Raises: OSError when there is no such family (before Linux 6.8), FormatError."""
    with Netlink(NETLINK_GENERIC) as link:
        family = family_id(link, "netdev")
        napis = [parse_fields(body, NAPI) for _, body in _ask(link, family, NETDEV_CMD_NAPI_GET, dump=True)]
        queues = [parse_fields(body, QUEUE) for _, body in _ask(link, family, NETDEV_CMD_QUEUE_GET, dump=True)]
    return join_queues(napis, queues)


def join_queues(napis, queues):
    """Napi records by ifindex with the queues each serves. napis, queues: what parse_fields gave."""
    served = {}
    for queue in queues:
        served.setdefault((queue.get("napi_id"), queue.get("type")), []).append(queue.get("id"))
    found = {}
    for napi in napis:
        queues_of = {
            side: tuple(sorted(number for number in served.get((napi.get("napi_id"), kind), ()) if number is not None))
            for side, kind in (("rx_queues", NETDEV_QUEUE_TYPE_RX), ("tx_queues", NETDEV_QUEUE_TYPE_RX + 1))
        }
        index = napi.pop("ifindex", None)
        found.setdefault(index, []).append(Napi(**napi, **queues_of))
    return {index: tuple(napis) for index, napis in found.items() if index is not None}


def family_id(link, name):
    """A family's message type. Raises: OSError (ENOENT: the kernel has no such family), FormatError."""
    request = attribute(CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")
    for _, body in _ask(link, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, request):
        number = attributes(body[_HEADER.size :]).get(CTRL_ATTR_FAMILY_ID)
        if number is not None:
            return unsigned(number)
    raise FormatError(f"no number for the family {name}", "netlink")


def parse_fields(body, names):
    """{name: int} of a generic netlink message's integer attributes; unknown ones are skipped. Raises: FormatError."""
    if len(body) < _HEADER.size:
        raise FormatError("generic message cut short", "netlink")
    known = attributes(body[_HEADER.size :]).items()
    return {names[kind]: unsigned(payload) for kind, payload in known if kind in names and len(payload) <= 8}


def _settings_of(link, family, name):
    device = attribute(ETHTOOL_A_HEADER_DEV_NAME, name.encode("utf-8", "surrogateescape") + b"\0")
    header = attribute(ETHTOOL_A_HEADER | NLA_F_NESTED, device)  # strict families refuse a nest without the flag
    found = {}
    for group, (command, names) in _SETTINGS.items():
        try:
            answers = _ask(link, family, command, header)
        except OSError:  # EOPNOTSUPP: the driver does not have it; ENODEV: gone by now
            continue
        values = {key: value for _, body in answers for key, value in parse_fields(body, names).items()}
        if values:
            found[group] = {key: bool(value) if key in SWITCHES else value for key, value in values.items()}
    return found


def _ask(link, family, command, payload=b"", dump=False):
    return link.ask(family, _HEADER.pack(command, 1, 0) + payload, dump)
