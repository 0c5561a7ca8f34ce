"""Known sequences of interrupts and what follows them, played by a real kernel and by the model: see docs/model/sequences.md."""

from lab.sequences import lines, napis, softirqs, tasklets, threads, timers, works

FAMILIES = (softirqs, tasklets, lines, threads, napis, timers, works)


def sequences(kernel=None):
    """All sequences, or those that a kernel ("6.12", "6.1") can play."""
    return [one for family in FAMILIES for one in family.SEQUENCES if kernel is None or kernel in one.on]


def table():
    """All sequences as the tables of docs/model/sequences.md."""
    text = ""
    for family in FAMILIES:
        text += f"\n### {family.__doc__.splitlines()[0].split(':')[0].rstrip('.')}\n\n| sequence | what it shows |\n|---|---|\n"
        text += "".join(f"| `{one.name}` | {one.says}{' (6.12)' if len(one.on) == 1 else ''} |\n" for one in family.SEQUENCES)
    return text
