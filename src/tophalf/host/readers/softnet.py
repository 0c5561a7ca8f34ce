"""/proc/net/softnet_stat (net/core/net-procfs.c softnet_seq_show): hexadecimal, one row an online CPU.

Columns grew with the kernel: 9 (2.6), 10 with received_rps (2.6.35), 11 with flow_limit (3.11), 13 with backlog length
and the CPU's own number (5.10), 15 with input and process queue (6.x). Without the CPU column a row is known only by its
place among the online CPUs.
"""

from tophalf.errors import FormatError
from tophalf.snapshot import Softnet

PATH = "/proc/net/softnet_stat"
_COLUMNS_MIN = 9
_RECEIVED_RPS, _FLOW_LIMIT, _CPU, _INPUT_QLEN, _PROCESS_QLEN = 9, 10, 12, 13, 14


def read_softnet(root):
    """{cpu: Softnet}, or None. Raises: FormatError with file:line."""
    data = root.read(PATH)
    if data is None:
        return None
    return parse_softnet(data, _online(root))


def _online(root):
    """Online CPUs, for files whose rows carry no CPU number: from sysfs, else /proc/stat's lines."""
    from tophalf.host.cpumask import parse_list

    text = root.word("/sys/devices/system/cpu/online")
    if text:
        return parse_list(text, "/sys/devices/system/cpu/online")
    words = [line.split(" ", 1)[0] for line in (root.text("/proc/stat") or "").splitlines()]
    return tuple(int(word[3:]) for word in words if word[:3] == "cpu" and word[3:].isdigit())


def parse_softnet(data, online=()):
    """Parse the file's bytes; `online` names the CPUs of rows that do not (row number when empty)."""
    rows = {}
    for index, line in enumerate(data.splitlines()):
        fields = line.split()
        if not fields:
            continue
        values = _values(fields, index + 1)
        cpu = values[_CPU] if len(values) > _CPU else online[index] if index < len(online) else index
        rows[cpu] = _softnet(values)
    return rows


def _values(fields, number):
    try:
        values = [int(field, 16) for field in fields]
    except ValueError:
        raise FormatError("a field is not hexadecimal", f"{PATH}:{number}") from None
    if len(values) < _COLUMNS_MIN or max(values) >> 64 or min(values) < 0:
        raise FormatError(f"{len(values)} fields, or one that does not fit; expected {_COLUMNS_MIN} or more", f"{PATH}:{number}")
    return values


def _softnet(values):
    def column(index):
        return values[index] if len(values) > index else None

    return Softnet(
        processed=values[0],
        dropped=values[1],
        time_squeeze=values[2],
        received_rps=column(_RECEIVED_RPS),
        flow_limit=column(_FLOW_LIMIT),
        input_qlen=column(_INPUT_QLEN),
        process_qlen=column(_PROCESS_QLEN),
    )
