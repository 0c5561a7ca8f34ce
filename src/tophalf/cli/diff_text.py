"""What `tophalf diff` says to people: what moved, CPU time apart from counts, what changed, what could not be compared."""

from tophalf.cli import render
from tophalf.cli.load import head
from tophalf.vocab import COUNTER_WRAP, human_count, human_ns

_DECIMALS_MAX = 6


def report(first, second, apart_ns, moves, changes, shown):
    """The whole text. first, second: Sides of `diff`; shown: rows at most, None for all."""
    unit = "/s" if moves.per == "second" else ""
    names = (first.name, second.name)
    lines = [render.paint(_title(first, second, apart_ns), "bold"), *_notes(first, second)]
    counts = [row for row in moves.rows if row.unit == "count"]
    times = [row for row in moves.rows if row.unit == "ms"]
    lines += _moved("moved", names, unit, counts, shown) if counts else ["nothing moved" if not times else "no counter moved"]
    lines += _moved("CPU time", names, unit, times, shown) if times else []
    lines += _changed(names, changes)
    return "\n".join([*lines, *_not_compared((*changes.not_compared, *moves.not_compared))])


def _title(first, second, apart_ns):
    if first.machine is second.machine:
        one = first.label == second.label
        name = f"{first.label}: first against last sample" if one else f"{first.label} against {second.label}"
    else:
        name = f"A: {_watched(first)}, B: {_watched(second)}"
    return render.printable(name if apart_ns is None else f"{name}, {abs(apart_ns) / 1e9:.3f} s apart")


def _watched(side):
    whole = side.series.whole
    return f"{side.label} (over {whole.seconds:.3g} s)" if whole and "@" not in side.label else side.label


def _notes(first, second):
    """Notes of both machines; what both say once."""
    notes = {}
    for side in (first, second):
        for note in head(side.machine, side.series)["notes"]:
            notes.setdefault(note, {})[side.name] = None
    one = first.machine is second.machine
    texts = [f"note: {note}" if one else f"note on {' and '.join(names)}: {note}" for note, names in notes.items()]
    return [render.paint(render.printable(text), "yellow") for text in texts]


def _moved(title, names, unit, rows, shown):
    cells = [(row.what, *_pair(row.before, row.after, _said(row)), _change(row)) for row in rows[:shown]]
    lines = [render.table([title, *(f">{name}{unit}" for name in names), f">change{unit}"], cells)]
    if shown and len(rows) > shown:
        lines.append(render.paint(f"{len(rows) - shown} smaller changes are left out (--all shows them)", "dim"))
    return lines


def _said(row):
    return human_count if row.unit == "count" else _human_ms


def _human_ms(ms):
    return "0 ms" if ms == 0 else human_ns(None if ms is None else ms * 1e6)


def _pair(before, after, said):
    """Both as people say them, with more digits where they would look alike."""
    if said(before) != said(after) or before is None or after is None or before == after:
        return said(before), said(after)
    suffix = "" if said is human_count else " ms"
    for decimals in range(_DECIMALS_MAX + 1):
        texts = f"{before:,.{decimals}f}{suffix}", f"{after:,.{decimals}f}{suffix}"
        if texts[0] != texts[1]:
            break
    return texts


def _change(row):
    size, said = abs(row.change), _said(row)
    text = f"{size:.1g}" if row.unit == "count" and size < 0.05 else said(size)
    return ("+" if row.change > 0 else "-") + text + (" (wrapped)" if _wrapped(row) else "")


def _wrapped(row):
    """Whether the counts say the opposite of what came: a cell passed 32 bits."""
    if row.before is None or row.after is None or row.unit != "count":
        return False
    return abs(row.change - (row.after - row.before)) >= COUNTER_WRAP / 2


def _changed(names, changes):
    if changes.rows:
        return [render.table(["changed", *names], [(row.what, row.before, row.after) for row in changes.rows])]
    return [f"nothing changed in: interrupt lines{''.join(f', {table}' for table in changes.compared)}"]


def _not_compared(rows):
    """A line for each reason."""
    reasons = {}
    for row in rows:
        reasons.setdefault(row.why, []).append(row.what)
    return [render.paint(render.printable(f"{', '.join(whats)} {why}: not compared"), "dim") for why, whats in reasons.items()]
