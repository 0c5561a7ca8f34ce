"""Netlink over a raw socket: requests, dumps and attributes (include/uapi/linux/netlink.h); link counters by rtnetlink.

`_socket` is what `socket` is made of, without the import of `selectors` and `enum` that costs more than the questions.
"""

import os
import struct

from tophalf.errors import FormatError
from tophalf.vocab import LINK_STATS

NETLINK_ROUTE, NETLINK_GENERIC = 0, 16
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
RECEIVE_BYTES = 1 << 18  # the kernel fills at most 32 KiB a read of a dump (net/netlink/af_netlink.c netlink_dump)
MESSAGES_MAX = 100_000
TIMEOUT_S = 2.0

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")

RTM_NEWSTATS, RTM_GETSTATS = 92, 94  # include/uapi/linux/rtnetlink.h
IFLA_STATS_LINK_64 = 1
_STATS_HEADER = struct.Struct("=BBHII")  # struct if_stats_msg
class Netlink:
    """A netlink socket. Used in a `with`; each question is answered before the next is asked."""

    def __init__(self, protocol):
        from _socket import AF_NETLINK, SOCK_RAW, socket

        self._socket = socket(AF_NETLINK, SOCK_RAW | os.O_CLOEXEC, protocol)
        self._socket.settimeout(TIMEOUT_S)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def ask(self, kind, payload, dump=False):
        """All answers to one request, as (message type, payload) pairs.

        Raises: OSError with the kernel's errno (EOPNOTSUPP: the driver has no such thing), FormatError.
        """
        self._sequence += 1
        flags = NLM_F_REQUEST | (NLM_F_DUMP if dump else NLM_F_ACK)
        message = _HEADER.pack(_HEADER.size + len(payload), kind, flags, self._sequence, 0) + payload
        self._socket.sendto(message, (0, 0))
        answers = []
        while len(answers) < MESSAGES_MAX:
            for answer_kind, sequence, body in messages(self._socket.recv(RECEIVE_BYTES)):
                if sequence != self._sequence:
                    continue  # the tail of an answer that was given up
                if answer_kind == NLMSG_DONE:
                    return answers
                if answer_kind == NLMSG_ERROR:
                    _raise_error(body)
                    return answers
                answers.append((answer_kind, body))
        raise FormatError(f"more than {MESSAGES_MAX} answers to one request", "netlink")


def messages(data, where="netlink"):
    """The messages in what one receive gave, as (type, sequence, payload). Raises: FormatError."""
    at = 0
    while at < len(data):
        if len(data) - at < _HEADER.size:
            raise FormatError("message header cut short", f"{where}:{at}")
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
        if not _HEADER.size <= length <= len(data) - at:
            raise FormatError(f"message of {length} bytes in {len(data) - at}", f"{where}:{at}")
        yield kind, sequence, data[at + _HEADER.size : at + length]
        at += -(-length // 4) * 4


def attributes(data, where="netlink"):
    """{type: payload} of a run of attributes; of a type that repeats, the last. Raises: FormatError."""
    return dict(attribute_list(data, where))


def attribute_list(data, where="netlink"):
    """A run of attributes as (type, payload) pairs. Raises: FormatError."""
    found, at = [], 0
    while len(data) - at >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= length <= len(data) - at:
            raise FormatError(f"attribute of {length} bytes in {len(data) - at}", f"{where}:{at}")
        found.append((kind & NLA_TYPE_MASK, data[at + _ATTRIBUTE.size : at + length]))
        at += -(-length // 4) * 4
    return found


def attribute(kind, payload):
    """One attribute as bytes, padded to 4."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + b"\0" * (-length % 4)


def unsigned(payload):
    """An attribute's integer of 1, 2, 4 or 8 bytes in the machine's order."""
    import sys

    return int.from_bytes(payload, sys.byteorder)


def link_stats():
    """{device: {counter: int}} of every device by one rtnetlink dump (net/core/rtnetlink.c rtnl_stats_dump).

    Raises: OSError, FormatError.
    """
    from _socket import if_nameindex

    request = _STATS_HEADER.pack(0, 0, 0, 0, 1 << (IFLA_STATS_LINK_64 - 1))
    with Netlink(NETLINK_ROUTE) as link:
        answers = link.ask(RTM_GETSTATS, request, dump=True)
    found = dict(parse_link_stats(body) for kind, body in answers if kind == RTM_NEWSTATS)
    return {name: found[index] for index, name in if_nameindex() if index in found}


def parse_link_stats(body, where="netlink"):
    """(ifindex, {counter: int}) of one RTM_NEWSTATS message. Raises: FormatError."""
    if len(body) < _STATS_HEADER.size:
        raise FormatError("statistics message cut short", where)
    index = _STATS_HEADER.unpack_from(body)[3]
    counters = attributes(body[_STATS_HEADER.size :], where).get(IFLA_STATS_LINK_64, b"")
    numbers = struct.unpack_from(f"={len(counters) // 8}Q", counters)
    return index, dict(zip(LINK_STATS, numbers, strict=False))


def _raise_error(body):
    """NLMSG_ERROR: errno negated; 0 is the acknowledgement."""
    if len(body) < 4:
        raise FormatError("error message cut short", "netlink")
    (number,) = struct.unpack_from("=i", body)
    if number:
        raise OSError(-number, os.strerror(-number))
