"""Looking up a process by name: /proc, or the ps output of a sosreport."""

from tophalf.host.fields import INTEGER_DIGITS_MAX, optional, optional_listing

PROCESSES_MAX = 50_000
PS_FOLDER = "/sos_commands/process"


def find_processes(root, names):
    """{name: (pid, arguments tuple)} of processes that bear one of the names; None when no process list is recorded.

    Of several the lowest pid counts. Whether a list is recorded shows by process 1: a recording may keep single threads.
    """
    pids = sorted(int(pid) for pid in root.listing("/proc") if pid.isascii() and pid.isdigit() and len(pid) < 10)
    if 1 not in pids:
        return None if root.live else _from_ps(root, names)
    found = {}
    for pid in pids[:PROCESSES_MAX]:
        comm = (optional(root, f"/proc/{pid}/comm") or "").rstrip("\n")
        if comm in names and comm not in found:
            arguments = (optional(root, f"/proc/{pid}/cmdline") or "").rstrip("\0").split("\0")
            found[comm] = pid, tuple(filter(None, arguments)) or (comm,)
    if len(pids) > PROCESSES_MAX:
        root.missing["/proc/PID/comm"] = f"only the first {PROCESSES_MAX} of {len(pids)} processes were looked at"
    return found


def parse_ps(text, names):
    """The same from the output of ps with a header and the command last; None when it has no such header."""
    lines = text.split("\n")
    header = lines[0].split()
    if "PID" not in header or header[-1] not in ("COMMAND", "CMD"):
        return None
    at, found = header.index("PID"), {}
    for line in lines[1:]:
        cells = line.split(None, len(header) - 1)
        if len(cells) < len(header) or not cells[at].isascii() or not cells[at].isdigit():
            continue
        arguments = tuple(cells[-1].split())
        name = _name_of(arguments)
        if name in names and name not in found and len(cells[at]) < INTEGER_DIGITS_MAX:
            found[name] = int(cells[at]), arguments
    return found


def _name_of(arguments):
    """A script's name is its own, not the interpreter's: python3 -Es /usr/sbin/tuned."""
    words = [word.rpartition("/")[2] for word in arguments if not word.startswith("-")]
    return words[1] if words[1:] and words[0].startswith("python") else (words or [""])[0]


def _from_ps(root, names):
    for name in optional_listing(root, PS_FOLDER):
        if name.startswith("ps_"):
            found = parse_ps(optional(root, f"{PS_FOLDER}/{name}") or "", names)
            if found is not None:
                return found
    root.missing["/proc/PID"] = "no process list recorded"
    return None
