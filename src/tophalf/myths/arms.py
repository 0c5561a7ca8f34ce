"""One run of a comparison: a scenario on the model, or a driver there and under the checker of drivers; and what it found.

A run of the model finds what `tophalf run --json` says, and, where it is traced, its event table. Left out: means over
seeds; a run has one.
"""

import os

from tophalf.frozen import Frozen

TRACE_ROWS = 1 << 15
DRIVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drivers")


class ModelArm(Frozen):
    """label; scenario: a built-in one's name, or the text of one; sets: changes as --set takes them; seconds: simulated;
    trace: whether its events are wanted."""

    __slots__ = ("label", "scenario", "sets", "seconds", "trace")

    def loaded(self):
        """The Scenario. Raises: ScenarioError."""
        from tophalf.scenario.load import load_scenario, read_scenario

        if "\n" in self.scenario:
            return read_scenario(self.scenario, "myth.toml", sets=self.sets or ())
        return load_scenario(self.scenario, self.sets or ())

    def run(self, seed, scale=None, shorter=1):
        """{of Run.as_dict(), and `events` if traced}. scale: (cost, factor) of costs.py, or None; shorter: divides the time."""
        from tophalf.model.simulate import Run, make_world, run_on
        from tophalf.myths.costs import scaled

        scenario = self.loaded()
        world = make_world(scaled(scenario, *scale) if scale else scenario, seed, TRACE_ROWS if self.trace else 0)
        run_on(world, max(round(self.seconds * 1e9 / shorter), 1))
        return Run(scenario, seed, world, 0.0).as_dict() | self._events(world)

    def _events(self, world):
        if not self.trace:
            return {}
        from tophalf.model.table import event_table

        return {"events": event_table(world)}


class DriverArm(Frozen):
    """label; file: of a driver in the folder `drivers`, with the machine that it runs on."""

    __slots__ = ("label", "file")

    @property
    def path(self):
        """Where the driver's text is."""
        return os.path.join(DRIVERS, self.file)

    def loaded(self):
        """The Scenario. Raises: ScenarioError."""
        from tophalf.scenario.load import load_scenario

        return load_scenario(self.path)

    def run(self, seed, scale=None, shorter=1):
        """{of Run.as_dict(), `reports`: texts of what the checker says of every path}. Else as ModelArm.run."""
        from tophalf.driver.lint import lint

        seconds = self.loaded().one("machine").seconds / 1e9
        found = ModelArm(label=self.label, scenario=self.path, seconds=seconds).run(seed, scale, shorter)
        reports, _ = lint(self.path)
        return found | {"reports": [f"{self.file}:{report.line}: {report.title}" for report in reports]}
