"""How the tests put questions: several commands in one trip to the guest, and tophalf on either side."""

import json
import os
import subprocess
import sys

MARK = "=====next====="
CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVERY_IRQ_FILE = "cd /sys/kernel/irq && grep -H . */per_cpu_count; cd - >/dev/null"
EVERY_MASK_FILE = ("cd /proc/irq && grep -H . */smp_affinity_list */effective_affinity_list */affinity_hint */node */spurious; "
                   "cd - >/dev/null")


def ask(guest, *commands, timeout_s=120):
    """What each shell command in the guest prints, all in one trip. The last ones' failures show as empty text."""
    text = f"\necho; echo {MARK}\n".join(commands)
    parts = guest.check(text + "\ntrue", timeout_s).split(f"\n{MARK}\n")
    assert len(parts) == len(commands), parts
    return parts


def between(guest, reading, command, timeout_s=120):
    """(a file before, what the command printed, the file after): a counter the command read lies between."""
    return ask(guest, reading, command, reading, timeout_s=timeout_s)


def by_file(text):
    """`grep -H` output "FOLDER/FILE:VALUE" as {folder: {file: [values]}}."""
    found = {}
    for line in text.splitlines():
        path, _, value = line.partition(":")
        folder, _, name = path.rpartition("/")
        if folder:
            found.setdefault(folder, {}).setdefault(name, []).append(value)
    return found


def cpus_of_list(text):
    """CPUs of the kernel's list notation: "0-2,5"."""
    found = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first:
            found += range(int(first), int(last or first) + 1)
    return found


def cpus_of_mask(text):
    """CPUs of the kernel's mask notation: "f", "00000000,00000003"."""
    value = int(text.strip().replace(",", ""), 16)
    return [cpu for cpu in range(value.bit_length()) if value >> cpu & 1]


def in_guest(guest, arguments, statuses=(0,), timeout_s=180):
    """The JSON document that tophalf prints in the guest."""
    result = guest.tophalf(f"{arguments} --json", timeout_s)
    assert result.status in statuses, result
    return json.loads(result.stdout)


def here(*arguments, statuses=(0,), timeout_s=180):
    """The JSON document that tophalf prints on this side, where events can be read."""
    command = [sys.executable, "-m", "tophalf", *arguments, "--json"]
    environment = {**os.environ, "PYTHONPATH": os.path.join(CHECKOUT, "src")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=environment)
    assert done.returncode in statuses, f"{command} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return json.loads(done.stdout)


def row_of(document, word):
    """The one row of `irqs --json` or of a trace's hardirq whose actions hold the word."""
    rows = [row for row in document.get("irqs", document.get("hardirq", ())) if word in row["actions"]]
    assert len(rows) == 1, (word, rows)
    return rows[0]
