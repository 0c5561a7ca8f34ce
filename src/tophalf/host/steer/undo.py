"""What was changed and what was refused: one small JSON file, so that `--undo` works in another process and another day.

It holds a stack of changes, newest last: one `--undo` takes the newest off. An entry is written before the mask is, so a
kill in between loses nothing. Entries name the boot and what stood behind the IRQ number; both must still be the same.

    $TOPHALF_STATE, else /var/lib/tophalf/affinity.json for root, else $XDG_STATE_HOME (~/.local/state) /tophalf/affinity.json
"""

import json
import os

from tophalf.errors import SteerError, TophalfError

SYSTEM_PATH = "/var/lib/tophalf/affinity.json"
VERSION = 1
CHANGES_MAX = 4096  # a script that sets masks in a loop must not grow the file without end; the oldest fall off


class StateError(TophalfError):
    """The state file cannot be read or written."""


def state_path():
    """Where this user's state lies."""
    if os.environ.get("TOPHALF_STATE"):
        return os.environ["TOPHALF_STATE"]
    if os.geteuid() == 0:
        return SYSTEM_PATH
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(home, "tophalf", "affinity.json")


def boot_id(root):
    """The kernel's own name for this boot (drivers/char/random.c), or None."""
    return root.word("/proc/sys/kernel/random/boot_id")


class State:
    """The state file, opened: read, changed, saved whole. Use as `with State() as state:` to hold it against others.

    changes: oldest first, each {"boot", "irq", "line", "before", "after", "effective_before", "group", "time_s"}; CPU sets
    are lists. refusals: each {"boot", "irq", "line", "error", "time_s"}.
    """

    def __init__(self, path=None):
        self.path = path or state_path()
        self.changes, self.refusals = [], []
        self._lock = None

    def __enter__(self):
        """Raises: StateError when the folder cannot be written or the file is not ours."""
        import fcntl

        try:
            os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
            self._lock = os.open(self.path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            self.__exit__()
            raise StateError(f"cannot be written ({error.strerror})", self.path) from None
        try:
            self.load()
        except StateError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def load(self):
        """Read the file; none yet is an empty one. Raises: StateError."""
        try:
            with open(self.path, encoding="utf-8") as file:
                held = json.load(file)
            changes, refusals = held["changes"], held["refusals"]
            if held["version"] != VERSION or not all(_is_change(entry) for entry in changes):
                raise ValueError
            if not all(_is_about_line(entry) for entry in refusals):
                raise ValueError
        except FileNotFoundError:
            return
        except OSError as error:
            raise StateError(f"cannot be read ({error.strerror})", self.path) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            do = "move it away; what it held cannot be undone"
            raise StateError("is not a state file of this version", self.path, do) from None
        self.changes, self.refusals = changes, refusals

    def save(self):
        """Replace the file as a whole. Raises: StateError; the old file then stands."""
        held = {"version": VERSION, "changes": self.changes[-CHANGES_MAX:], "refusals": self.refusals}
        new = f"{self.path}.{os.getpid()}.new"
        try:
            with open(new, "w", encoding="utf-8") as file:
                json.dump(held, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
        except OSError as error:
            raise StateError(f"cannot be written ({error.strerror})", self.path) from None
        finally:
            if os.path.lexists(new):
                os.unlink(new)

    def push(self, entry):
        """Remember a change before it is made. Entries of earlier boots go: their masks are gone too."""
        self.changes = [old for old in self.changes if old["boot"] == entry["boot"]] + [entry]
        self.save()

    def drop(self, entry):
        """Forget a change: it was refused, or is undone."""
        self.changes.remove(entry)
        self.save()

    def refuse(self, entry):
        """Remember that the kernel refused this line for good (one entry a line)."""
        self.refusals = [old for old in self.refusals if old["boot"] == entry["boot"] and old["irq"] != entry["irq"]] + [entry]
        self.save()

    def next_group(self):
        return max((entry["group"] for entry in self.changes), default=0) + 1


def _is_about_line(entry):
    return isinstance(entry["irq"], int) and isinstance(entry["line"], dict) and isinstance(entry["boot"], str | None)


def _is_change(entry):
    sets = [entry["before"], entry["after"], entry["effective_before"] or []]
    whole = all(isinstance(cpu, int) and cpu >= 0 for cpus in sets for cpu in cpus)
    return _is_about_line(entry) and whole and bool(entry["before"]) and isinstance(entry["group"], int)


def to_undo(state, boot, irqs, whole):
    """Entries that an undo would take back, newest first.

    irqs: numbers to undo, or None: those of the newest command. whole: back to before the first change, not one step.
    Raises: SteerError when there is nothing to undo, or only changes from another boot.
    """
    mine = [entry for entry in reversed(state.changes) if irqs is None or entry["irq"] in irqs]
    where = "" if irqs is None else f"IRQ {', '.join(map(str, sorted(irqs)))}"
    if not mine:
        raise SteerError("nothing to undo: tophalf has not set it", where, f"changes are kept in {state.path}")
    now = [entry for entry in mine if entry["boot"] == boot]
    if not now:
        raise SteerError("was set in another boot, whose masks are gone", where, "nothing is left to restore")
    if whole:
        return now
    if irqs is None:
        return [entry for entry in now if entry["group"] == now[0]["group"]]
    newest = {}
    for entry in now:
        newest.setdefault(entry["irq"], entry)
    return list(newest.values())


def check_same_line(entry, line):
    """Raises: SteerError when another device or action now stands behind the number of an entry. line: as identify()."""
    for field, what in (("device", "device"), ("actions", "action"), ("chip", "chip"), ("hwirq", "hardware number")):
        then, now = entry["line"].get(field), line.get(field)
        if then != now:
            raise SteerError(
                f"another {what} has this number now ({_said(then)} then, {_said(now)} now)",
                f"IRQ {entry['irq']}",
                "its old mask is not meant for it; nothing was written",
            )


def _said(value):
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else value if value is not None else "none"


def known_refusals(root, identify_line=None):
    """Lines this boot's kernel refused to move, from the state files: {irq: "EPERM"}. {} for a recording.

    identify_line(irq): what stands behind the number now; a refusal of another device's line does not count.
    """
    boot = boot_id(root) if root.live else None
    if boot is None:
        return {}
    found = {}
    for path in {SYSTEM_PATH, state_path()}:
        state = State(path)
        try:
            state.load()
        except StateError:
            continue
        for entry in state.refusals:
            if entry["boot"] == boot and (identify_line is None or identify_line(entry["irq"]) == entry["line"]):
                found[entry["irq"]] = entry["error"]
    return found
