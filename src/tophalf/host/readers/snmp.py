"""UDP's own drops: /proc/net/snmp and snmp6 (net/ipv4/proc.c, net/ipv6/proc.c), IPv4 and IPv6 summed."""

from tophalf.errors import FormatError
from tophalf.host.fields import integer, optional, speaks_here


def read_udp(root):
    """{"InDatagrams": int, "RcvbufErrors": int, ...} of UDP over both IP versions; None when not recorded.

    Raises: FormatError.
    """
    # Mounted elsewhere, /proc/net is a link to self/net: our own network namespace, not the host's.
    base = "/proc/net" if speaks_here(root) or not root.live else "/proc/1/net"
    v4 = root.text(f"{base}/snmp")
    v6 = optional(root, f"{base}/snmp6")
    if v4 is None and v6 is None:
        return None
    totals = parse_snmp(v4, f"{base}/snmp") if v4 else {}
    for name, count in (parse_snmp6(v6, f"{base}/snmp6") if v6 else {}).items():
        totals[name] = totals.get(name, 0) + count
    return totals or None


def parse_snmp(text, where="/proc/net/snmp", protocol="Udp:"):
    """Counters of one protocol: a line of names, then a line of values, both led by its name. Raises: FormatError."""
    names = None
    for at, line in enumerate(text.split("\n"), 1):
        head, _, rest = line.partition(" ")
        if head != protocol:
            continue
        if names is None:
            names = rest.split()
            continue
        values = [integer(word) for word in rest.split()]
        if len(values) != len(names) or None in values:
            raise FormatError(f"{len(names)} names of {protocol[:-1]} counters, other values", f"{where}:{at}")
        return dict(zip(names, values, strict=True))
    if names is not None:
        raise FormatError(f"names of {protocol[:-1]} counters without values", where)
    return {}


def parse_snmp6(text, where="/proc/net/snmp6", prefix="Udp6"):
    """Counters of one protocol, one a line: `Udp6RcvbufErrors  7`. Names come without the prefix. Raises: FormatError."""
    counters = {}
    for at, line in enumerate(text.split("\n"), 1):
        if not line.startswith(prefix):
            continue
        words = line.split()
        value = integer(words[1]) if len(words) == 2 else None
        if value is None:
            raise FormatError(f"not a counter: {line[:40]!r}", f"{where}:{at}")
        counters[words[0][len(prefix) :]] = value
    return counters
