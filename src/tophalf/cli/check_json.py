"""The JSON of `tophalf check`; docs/json.md (check) describes it."""


def document(machine, case, verdict):
    """One dict with machine, findings, judged and not_judged."""
    from tophalf.cli.load import head, machine_head

    return {
        "machine": head(machine, case.series) if case.series else machine_head(machine),
        "trace": _trace(case.timing),
        "findings": [_finding(finding) for finding in verdict.findings],
        "judged": verdict.judged,
        "not_judged": [{"reason": reason, "rules": ids} for reason, ids in verdict.not_judged.items()],
    }


def _trace(timing):
    if timing is None:
        return None
    return {"events": timing.events, "lost_events": timing.lost_events, "seconds": round(timing.span_ns / 1e9, 6)}


def _finding(finding):
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "title": finding.title,
        "subject": finding.subject.as_dict(),
        "cost": round(finding.cost, 6),
        "chain": finding.chain,
        "evidence": [each.as_dict() for each in finding.evidence],
        "remedies": [each.as_dict() for each in finding.remedies],
        "refute": finding.refute,
        "related": [{"relation": relation, **_finding(member)} for relation, member in finding.related],
    }
