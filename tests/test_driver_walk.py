"""Every path, against a twin that walks each of them by itself, one after the other, on random small drivers."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf.driver.lint import lint

CALLS = ("spin_lock(dev.a)", "spin_unlock(dev.a)", "spin_lock_irq(dev.b)", "spin_unlock_irq(dev.b)", "local_bh_disable()",
         "local_bh_enable()", "local_irq_disable()", "local_irq_enable()", "msleep(1)", "mutex_lock(dev.m)", "mutex_unlock(dev.m)",
         "return")  # fmt: skip
KINDS = {"sleep", "self-deadlock", "not-held", "held-at-end", "bh", "irqs-at-end"}  # what the twin knows
bodies = st.recursive(
    st.lists(st.sampled_from(CALLS), min_size=1, max_size=4),
    lambda inner: st.lists(st.sampled_from(CALLS) | st.tuples(st.sampled_from(("if", "while")), inner), min_size=1, max_size=3),
    max_leaves=6,
)


def written(body, indent=1):
    """[(depth, text)] of a body."""
    lines = []
    for each in body:
        if isinstance(each, str):
            lines.append((indent, each))
        else:
            lines += [(indent, f"{each[0]} read_reg(dev, 0):"), *written(each[1], indent + 1)]
    return lines


PATHS_MAX = 3000  # of a function; those with more are left out


def paths(body, line):
    """([paths] or None for too many, the line behind): a path is [(line, call)] and whether it has returned. A loop goes round
    up to three times."""
    found = [([], False)]
    for each in body:
        if isinstance(each, str):
            more, line = [([(line, each)], each == "return")], line + 1
        else:
            inside, line = paths(each[1], line + 1)
            rounds_max = 1 if each[0] == "if" else 3
            if inside is None or len(inside) ** rounds_max > PATHS_MAX:
                return None, line
            more = [([], False)]
            for rounds in range(1, rounds_max + 1):
                more += [_joined(choice) for choice in itertools.product(inside, repeat=rounds)]
        if len(found) * len(more) > PATHS_MAX:
            return None, line
        found = [_joined((one, other)) for one in found for other in more]
    return found, line


def _joined(parts):
    steps = []
    for part, returned in parts:
        steps += part
        if returned:
            return steps, True
    return steps, False


def judged(path, last_line):
    """{(line, kind)} of one path of a task."""
    found, held, bh, irqs_off, before = set(), {}, 0, False, {}
    for line, call in path:
        lock = call[call.find("(") + 1 : -1]
        atomic = irqs_off or bh or any(each != "dev.m" for each in held)
        if atomic and (call == "msleep(1)" or call.startswith("mutex_lock")):
            found.add((line, "sleep"))
        if "_lock" in call:
            if call.startswith("spin_lock_irq"):
                before[line], irqs_off = irqs_off, True
            if lock in held:
                return found | {(line, "self-deadlock")}
            held[lock] = line
        elif "_unlock" in call:
            if held.pop(lock, None) is None:
                found.add((line, "not-held"))
            irqs_off = irqs_off and not call.startswith("spin_unlock_irq")
        elif call == "local_bh_disable()":
            bh += 1
        elif call == "local_bh_enable()":
            found |= {(line, "bh")} if bh == 0 else set()
            bh = max(bh - 1, 0)
        elif call.startswith("local_irq"):
            irqs_off = call == "local_irq_disable()"
    end = path[-1][0] if path and path[-1][1] == "return" else last_line
    if held:
        return found | {(end, "held-at-end")}
    return found | ({(end, "irqs-at-end")} if irqs_off else set())


@settings(max_examples=150)
@given(bodies)
def test_a_function_is_judged_as_path_by_path(tmp_path_factory, body):
    lines = written(body)
    first = 3
    ways, _ = paths(body, first)
    if ways is None:
        return
    path = tmp_path_factory.mktemp("walk") / "driver.py"
    text = "".join("    " * depth + each + "\n" for depth, each in lines)
    path.write_text(f"from tophalf.kernel import *\ndef f(dev):\n{text}", encoding="utf-8")
    reports, notes = lint(path)
    last = first + next(at for at in reversed(range(len(lines))) if lines[at][0] == 1)
    wanted = set().union(*(judged(way, last) for way, _ in ways))
    found = {(report.line, report.kind) for report in reports if report.kind in KINDS}
    assert notes == [] and wanted <= found, (wanted - found, path.read_text())
    looped = any(text.startswith("while") for _, text in lines)
    assert looped or found == wanted, (found - wanted, path.read_text())  # a loop may go round more often than in the twin
