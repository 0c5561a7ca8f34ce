"""Fixtures of the tests that boot real kernels: `guest` is a machine of a kernel, shared by all its tests.

A test that uses `guest` runs on every kernel, or on those named by @pytest.mark.on("6.12", "rt"). One guest is up at
a time, and the tests are sorted by kernel. A failure shows what the guest's kernel said.
"""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from lab.guest import EVERYTHING, Guest, GuestDied  # noqa: E402
from lab.kernels import META  # noqa: E402
from lab.labirq import AT_REST, Labirq  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "on(*kernels): the kernels a test runs on, of 6.12, 6.1 and rt; all without it")


def pytest_generate_tests(metafunc):
    if "guest" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("on")
        metafunc.parametrize("guest", marker.args if marker else list(META), indirect=True, scope="session")


def pytest_collection_modifyitems(items):
    order = list(META)
    items.sort(key=lambda item: order.index(item.callspec.params["guest"]) if "guest" in getattr(item, "fixturenames", ()) else -1)


class Slot:
    """At most one running guest. One that died is started again for the next test."""

    def __init__(self):
        self.flavour = None
        self.guest = None

    def get(self, flavour):
        if self.guest is not None and (flavour != self.flavour or not self.guest.alive()):
            self.empty()
        if self.guest is None:
            self.guest, self.flavour = Guest(flavour, devices=(*EVERYTHING, "e1000")), flavour
        return self.guest

    def empty(self):
        if self.guest is not None:
            self.guest.close()
            self.guest = None


@pytest.fixture(scope="session")
def slot():
    one = Slot()
    yield one
    one.empty()


@pytest.fixture
def guest(request, slot):
    """A booted kernel with multi-queue virtio-net, e1000e, NVMe, labirq and an e1000 that is down."""
    return slot.get(request.param)


@pytest.fixture
def labirq(guest):
    """The guest's interrupts made to order, at rest again after the test."""
    one = Labirq(guest)
    yield one
    if guest.alive():
        one.set(**AT_REST)


@pytest.fixture
def level_line(guest, labirq):
    """labirq on its level triggered line, which the old NIC shares; the line's number. MSI again after the test."""
    labirq.load(msi=0)
    guest.check("ip link set eth2 up")
    yield labirq.irq
    if guest.alive():
        labirq.set(**AT_REST)
        guest.check("ip link set eth2 down")
        labirq.load()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    guest = getattr(item, "funcargs", {}).get("guest")
    if report.failed and guest is not None:
        try:
            report.sections.append(("guest kernel log", guest.kernel_log()[-3000:]))
        except (GuestDied, OSError) as error:
            report.sections.append(("guest", str(error)))
