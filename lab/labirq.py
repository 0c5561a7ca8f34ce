"""The labirq module of a guest, by its orders and settings (lab/labirq/labirq.c says what each means)."""

PARAMETERS = "/sys/module/labirq/parameters"
AT_REST = {"gap_us": 0, "handler_us": 0, "hold_us": 0, "deny": 0, "tasklets": 0, "tasklet_us": 0, "tasklet_repeat": 0,
           "tasklet_hi": 0, "works": 0, "work_us": 0, "work_on": "bound"}


class Labirq:
    """Interrupts made to order in one guest."""

    def __init__(self, guest):
        self.guest = guest

    def load(self, **options):
        """Load the module anew, with options that only count at load time (msi, threaded)."""
        words = " ".join(f"{name}={value}" for name, value in options.items())
        self.guest.check(f"rmmod labirq 2>/dev/null; modprobe labirq {words}")

    def set(self, timeout_s=60, **settings):
        """Write settings and orders in the order given, as one command."""
        self.guest.check(self.text(**settings), timeout_s)

    @staticmethod
    def text(**settings):
        """The same as shell text, for commands that do more."""
        return "\n".join(f"echo {value} >{PARAMETERS}/{name} || exit 1" for name, value in settings.items())

    def row(self):
        """Its line of /proc/interrupts, as (irq, counts by column)."""
        line = self.guest.check("grep labirq /proc/interrupts").split()
        return int(line[0].rstrip(":")), [int(word) for word in line[1:] if word.isdigit()]

    @property
    def irq(self):
        """Its interrupt number now."""
        return self.row()[0]

    def count(self):
        """Interrupts so far, over all CPUs."""
        return sum(self.row()[1])
