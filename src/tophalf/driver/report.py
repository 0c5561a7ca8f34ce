"""What is wrong with a driver, as the kernel would say it: a title, where it stands, how one comes there, what to do."""

from tophalf.frozen import Frozen
from tophalf.vocab import human_ns


class Report(Frozen):
    """path, line: where. kind: a word for the fault. title: one clause. details: lines. do: the remedy, a clause.

    Of a run, else None: time_ns: when it was first; count: how often; replay: the command that comes to it again.
    """

    __slots__ = ("path", "line", "kind", "title", "details", "do", "time_ns", "count", "replay")

    def text(self):
        """Lines for people."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        lines = [f"{where}: {self.title}", *(f"  {line}" for line in self.details), f"  {self.do}"]
        if self.time_ns is not None:
            again = f", {self.count:,} times in all" if self.count > 1 else ""
            lines.append(f"  at {human_ns(self.time_ns)} of simulated time{again}")
        return "\n".join([*lines, *([f"  replay: {self.replay}"] if self.replay else [])])


class Reports:
    """Those of one driver, each kind once a line."""

    def __init__(self, path):
        self.path, self._found = path, {}

    def add(self, line, kind, title, details, do):
        """Of those of a kind and line, the one that comes first by its text: paths are walked in no order."""
        report = Report(path=self.path, line=line, kind=kind, title=title, details=tuple(details), do=do)
        known = self._found.get((line, kind), report)
        self._found[line, kind] = min(known, report, key=Report.text)

    def all(self):
        """In order of lines."""
        return [self._found[key] for key in sorted(self._found)]
