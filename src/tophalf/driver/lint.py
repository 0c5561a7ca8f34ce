"""`tophalf lint`: a driver held against the kernel's rules, on every path, before it runs."""

from tophalf.driver.lockorder import Locks
from tophalf.driver.report import Reports
from tophalf.driver.roles import roles_of
from tophalf.driver.subset import read_driver
from tophalf.driver.walk import Path


def lint(path):
    """(reports, notes) for a driver's file: [Report] in order of lines, and sentences about what was not looked at.

    Raises: TophalfError for what is no driver, or outside the subset.
    """
    return lint_driver(read_driver(path))


def lint_driver(driver):
    """The same for a Driver that was read, without faults."""
    reports, locks, notes = Reports(driver.path), Locks(), []
    for role in roles_of(driver):
        way = Path(driver, role, locks, reports)
        way.walk()
        if way.was_cut:
            notes.append(f"{role.name} has too many paths: not all were walked")
    locks.judge(reports)
    return reports.all(), notes
