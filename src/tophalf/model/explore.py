"""A driver run many times, with an interrupt at each awkward moment: what is found, each with the smallest case that shows it.

A case is a seed and a moment: a step of a driver, the device that interrupts it, and the CPU. It is short, unless its moment comes
late. The first cases have no moment, then come all moments with the first seed, then with the next one and the second time that
the step is done, and so on. The smallest case of a report has the fewest interrupts of ours, then the shortest time, then the
lowest seed. A world is built once for each seed; its cases differ only in the words that say which moment is meant. Left out: two
moments in one case.
"""

from tophalf.errors import TophalfError
from tophalf.frozen import Frozen
from tophalf.model.assemble import steps
from tophalf.model.check import awkward as a
from tophalf.model.check.reports import report_of_refusal
from tophalf.model.code.probe import Refused
from tophalf.model.simulate import Run, length_ns, run_on, warm_up
from tophalf.model.world import DriverError, World
from tophalf.scenario.load import load_scenario

CASE_S = 0.02  # simulated time of a case with a moment, at most
LATE_S = 1.0  # and of one that has not come to its moment by then


class Explored(Frozen):
    """reports: [driver.report.Report] in order of lines; runs, seeds: how many there were; moments, reached: how many there are,
    and at how many an interrupt was placed; never: steps that no run came to, (function, line), where all were tried; errors: what
    ended runs and is no report, texts."""

    __slots__ = ("reports", "runs", "moments", "reached", "never", "seeds", "errors")


def explore(path, runs=None, seconds=None, sets=(), progress=None):
    """Explore a driver, or a scenario with drivers.

    Args: runs: how many, None: each moment once. seconds: simulated, of a case, None: CASE_S, or what the scenario says where that
    is less. sets: as simulate. progress(done, runs): called now and then.
    Returns: Explored. Raises: TophalfError for what the model cannot run.
    """
    warm_up()
    found = _Search(path, runs, seconds, tuple(sets), progress)
    try:
        found.search()
    except Refused as refused:
        found.keep(report_of_refusal(refused), (False, 0, 0))
    return found.explored()


class _Search:
    """found: {(path, line, kind): (rank, Report)}."""

    def __init__(self, path, runs, seconds, sets, progress):
        self.path, self.runs, self.seconds, self.sets, self.progress = path, runs, seconds, sets, progress
        self.found, self.done, self.all, self.reached, self.hit = {}, 0, [], set(), set()
        self.seeds, self.errors = 0, {}

    def search(self):
        while self.seeds == 0 or self.runs is not None and self.done < self.runs:
            self.with_seed(self.seeds)
            self.seeds += 1

    def with_seed(self, seed):
        """The case without a moment, at the scenario's full length, then one for each moment."""
        self.case(Run(load_scenario(self.path, self.sets), seed, None, 0), None)
        scenario = load_scenario(self.path, (*self.sets, "driver.awkward=*"))
        seconds = self.seconds or min(CASE_S, length_ns(scenario, None) / 1e9)
        builder = self.built(scenario, seed)
        self.all = self.all or moments(builder)
        for number, moment in enumerate(self.all):
            if self.runs is not None and self.done >= self.runs:
                return
            device, step = moment[0], steps.Moment(*moment[1:], time=seed + 1)
            steps.arm(builder, builder.memory, builder.coded[device], step)
            chosen = (*self.sets, f"driver.{device}.awkward={step}")
            case = scenario.replace(sets=chosen)
            if builder.actors:  # what they do to a machine may change more than its memory
                builder = self.built(load_scenario(self.path, chosen), seed)
            world = World(builder)
            self.case(Run(case, seed, world, 0, seconds), moment)
            if is_reached(world):
                self.reached.add(number)
                self.hit.add(moment[1:3])

    @staticmethod
    def built(scenario, seed):
        from tophalf.model.assemble.world import assemble

        builder = assemble(scenario, seed)
        builder.world()
        return builder

    def case(self, run, moment):
        """One run, and what it finds."""
        if run.world is None:
            run.world, run.seconds = self.built(run.scenario, run.seed).world(), self.seconds
        try:
            run_on(run.world, length_ns(run.scenario, run.seconds))
            if moment and not self.seconds and not is_reached(run.world):
                run.seconds = min(LATE_S, length_ns(run.scenario, None) / 1e9)
                run_on(run.world, length_ns(run.scenario, run.seconds))
        except DriverError as error:
            run.ended = error
        except TophalfError as error:
            self.errors.setdefault(error.what, error.line())
        for report in run.reports():
            self.keep(report, (moment is not None, report.time_ns, run.seed))
        self.done += 1
        if self.progress:
            self.progress(self.done, self.runs or len(self.all) + 1)

    def keep(self, report, rank):
        key = report.path, report.line or 0, report.kind
        if key not in self.found or rank < self.found[key][0]:
            self.found[key] = rank, report

    def explored(self):
        steps_ = {moment[1:3] for moment in self.all}
        return Explored(
            reports=[self.found[key][1] for key in sorted(self.found)], runs=self.done, moments=len(self.all), seeds=self.seeds,
            reached=len(self.reached), never=sorted(steps_ - self.hit) if self.done > len(self.all) else [],
            errors=list(self.errors.values()),
        )  # fmt: skip


def is_reached(world):
    """Whether it has come to its moment."""
    return world.memory[world.builder.awkward + a.AW_TIME] >= 0


def moments(builder):
    """[(number of the device, function, line, whether on the next CPU)]: each step that can be named, by each device, there and
    elsewhere."""
    return [
        (number, function, line, is_next)
        for is_next in (False, True)[: len(builder.cpus)] for number, device in enumerate(builder.coded)
        for (_, function, line), step in builder.steps.items() if steps.step_of(builder, device, function, line) == step
    ]  # fmt: skip
