"""What became of a world's work items: each queueing ends in a run, is taken back, or waits still."""

from tophalf.model.work import workfields as g


def work_counts(world):
    """A dict for each function: function, queued, executed, cancelled, waiting; queued is the sum of the others."""
    m, known, found = world.memory, world.builder.workqueues, {}
    for work in known.works if known else ():
        function = world.builder.functions[int(m[work + g.X_FUNCTION]) & (1 << 64) - 1]
        counts = found.setdefault(function, {"function": function, "queued": 0, "executed": 0, "cancelled": 0, "waiting": 0})
        for name, field in (("queued", g.X_QUEUED), ("executed", g.X_RUNS), ("cancelled", g.X_CANCELLED)):
            counts[name] += int(m[work + field])
        counts["waiting"] += int(m[work + g.X_PWQ] != 0)
    return list(found.values())
