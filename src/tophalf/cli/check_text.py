"""The report of `tophalf check` for people: head, findings worst first, what was not judged."""

from tophalf.cli import render

_COLOUR = {"critical": "red", "warning": "yellow", "information": "cyan"}


def report(machine, case, verdict):
    """The whole report as text."""
    parts = [_head(machine, case), *(_note(note) for note in machine.notes), ""]
    for finding in verdict.findings:
        parts += [*_finding(finding), ""]
    if not verdict.findings:
        parts += [render.paint("nothing to say: no rule found anything", "green"), ""]
    elif not verdict.alarming:
        parts += [render.paint("nothing of warning or worse", "green"), ""]
    return "\n".join([*parts, *_not_judged(machine, verdict)])


def _head(machine, case):
    boot = case.boot
    words = ((boot.version if boot else None) or "").split()
    kernel = f"Linux {words[2]}" if words[:2] == ["Linux", "version"] and len(words) > 2 else "kernel not recorded"
    parts = [machine.label, kernel, f"{len(case.online)} CPUs" if case.online else "CPUs not recorded"]
    if case.whole:
        parts.append(f"{len(case.series.snapshots)} samples over {case.seconds:.3g} s")
    else:
        parts.append("one sample, no rates" if case.series else "no counters")
    if case.timing is None:
        parts.append("no tracing")
    else:
        lost = case.timing.lost_events
        parts.append(f"{case.timing.events:,} events over {case.timing.span_ns / 1e9:.3g} s"
                     + (f", {lost:,} lost" if lost else ", some lost" if lost is None else ""))  # fmt: skip
    return render.paint(render.printable(", ".join(parts)), "bold")


def _note(note):
    return render.paint(f"note: {render.printable(note)}", "yellow")


def _finding(finding):
    tag = finding.severity.upper() if finding.severity != "information" else "information"
    lines = [f"{render.paint(tag, _COLOUR[finding.severity])} {render.paint(finding.rule, 'bold')}: {_clean(finding.title)}"]
    if finding.chain:
        lines.append(f"  chain       {_clean(finding.chain)}")
    lines += _labelled("evidence", [_evidence(each) for each in finding.evidence])
    for relation, member in finding.related:
        lines.append(f"  {relation:<11} {render.paint(member.rule, 'bold')}: {_clean(member.title)}")
        lines += [f"                {_evidence(each)}" for each in member.evidence[:3]]
    for remedy in _remedies(finding):
        lines += _remedy(remedy)
    if finding.refute:
        lines += _labelled("unless", [_clean(finding.refute)])
    return lines


def _remedies(finding):
    """Remedies of what causes it and of itself, each once; of its consequences only where those have none."""
    causes = [each for relation, member in finding.related if relation == "cause" for each in member.remedies]
    others = [each for relation, member in finding.related if relation != "cause" for each in member.remedies]
    return list({each.commands: each for each in (*causes, *finding.remedies) or others}.values())


def _labelled(label, texts):
    return [f"  {label if index == 0 else '':<11} {text}" for index, text in enumerate(texts)]


def _evidence(evidence):
    return f"{_clean(evidence.text)}  {render.paint('[' + evidence.source + ']', 'dim')}"


def _remedy(remedy):
    commands = [render.paint(_clean(each), "green") for each in remedy.commands]
    lines = [f"  {'do' if index == 0 else '':<11} {each}" for index, each in enumerate(commands)]
    lines.append(f"                {_clean(remedy.why)}; risk: {_clean(remedy.risk)}")
    if remedy.undo:
        lines.append(f"                undo: {_clean(remedy.undo)}")
    return lines


def _clean(text):
    """Printable text whose own escapes (colour of ours) are added later."""
    return render.printable(text)


def _not_judged(machine, verdict):
    said = {reason: _reason(reason, machine.kind == "live") for reason in verdict.not_judged}
    return [render.paint(f"{said[reason]}: {', '.join(ids)} not judged", "dim") for reason, ids in verdict.not_judged.items()]


def _reason(reason, live):
    """Why something was not judged, with the place: before the brackets that explain it further."""
    if live and reason == "no tracing":
        return "no events were recorded (--record)"
    what, bracket, more = reason.partition(" (")
    return f"{what} {'on this host' if live else 'in this recording'}{bracket}{more}"
