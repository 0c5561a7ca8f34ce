"""A driver's own counters (ethtool -S) by SIOCETHTOOL (net/ethtool/ioctl.c): netlink does not carry them.

The call resumes a sleeping NIC (dev_ethtool takes a runtime PM reference): callers leave out the ones that sleep.
"""

import array
import fcntl
import struct

from tophalf.errors import FormatError

SIOCETHTOOL = 0x8946
ETHTOOL_GSTRINGS, ETHTOOL_GSTATS, ETHTOOL_GSSET_INFO = 0x1B, 0x1D, 0x37
ETH_SS_STATS = 1
ETH_GSTRING_LEN = 32
STATS_MAX = 1 << 16

_names = {}


class Ethtool:
    """A socket to ask drivers by. Used in a `with`."""

    def __enter__(self):
        from _socket import AF_INET, SOCK_DGRAM, socket

        self._socket = socket(AF_INET, SOCK_DGRAM)
        return self

    def __exit__(self, *_):
        self._socket.close()

    def stats(self, device):
        """{counter: int} of a device's driver, in its order; {} when it keeps none. Raises: OSError, FormatError."""
        count = self._count(device)
        if not count:
            return {}
        # Older kernels write as many as the driver has by then, whatever count they are told: a queue added between two
        # calls must not run over the end of the buffer. Newer ones (6.18 does) write none if the count is not exact.
        room = count * 4 + 4096
        strings = self._call(device, struct.pack("=III", ETHTOOL_GSTRINGS, ETH_SS_STATS, count), room * ETH_GSTRING_LEN)
        numbers = self._call(device, struct.pack("=II", ETHTOOL_GSTATS, count), room * 8)
        return join_stats(strings, numbers, device)

    def _count(self, device):
        answer = self._call(device, struct.pack("=IIQ", ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_STATS), 8)
        _, _, mask, count = struct.unpack_from("=IIQI", answer)
        return count if mask and count <= STATS_MAX else 0

    def _call(self, device, head, room):
        buffer = array.array("B", head + bytes(room))
        address, _ = buffer.buffer_info()
        fcntl.ioctl(self._socket.fileno(), SIOCETHTOOL, struct.pack("16sP16x", device.encode()[:15], address))
        return buffer.tobytes()


def join_stats(strings, numbers, where=""):
    """Counter names and values together. strings: struct ethtool_gstrings, numbers: struct ethtool_stats, as bytes.

    Raises: FormatError.
    """
    try:
        _, _, name_count = struct.unpack_from("=III", strings)
        _, count = struct.unpack_from("=II", numbers)
        count = min(count, name_count)
        values = struct.unpack_from(f"={count}Q", numbers, 8)
    except (struct.error, MemoryError, OverflowError):
        raise FormatError("driver statistics cut short", where) from None
    return dict(zip(_names_of(strings[12 : 12 + count * ETH_GSTRING_LEN]), values, strict=False))


def _names_of(blob):
    """Names change only when queues do: decoded once."""
    if blob not in _names:
        _names.clear() if len(_names) > 64 else None
        cells = (blob[at : at + ETH_GSTRING_LEN] for at in range(0, len(blob), ETH_GSTRING_LEN))
        _names[blob] = tuple(cell.partition(b"\0")[0].decode("ascii", "replace").strip() for cell in cells)
    return _names[blob]
