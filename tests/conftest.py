"""Fixtures shared by all tests: recorded machines that the project owns, and others' files where they stand beside it."""

import os

import pytest
from hypothesis import settings

# No deadline: on a busy machine it would be a timed test. In CI the same examples each time, so that a failure repeats.
settings.register_profile("house", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("house")

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")


@pytest.fixture
def data():
    """The folder of recordings that the project ships (tests/data; its READMEs say what each is)."""
    return DATA


@pytest.fixture
def shared_hosts():
    """The folder of other people's files that may not be copied; tests that need it skip where it does not stand."""
    path = os.environ.get("TOPHALF_SHARED", os.path.join(HERE, "..", "..", "shared"))
    if not os.path.isdir(os.path.join(path, "hosts", "files")):
        pytest.skip(f"no shared/hosts beside the checkout ({os.path.normpath(path)})")
    return os.path.join(os.path.normpath(path), "hosts")


def pytest_sessionfinish(session):
    """Where everything must have run (TOPHALF_NO_SKIPS=1), a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("TOPHALF_NO_SKIPS") == "1" and reporter and reporter.stats.get("skipped"):
        reporter.write_line("TOPHALF_NO_SKIPS=1: skipped tests count as failures here", red=True)
        session.exitstatus = 1
