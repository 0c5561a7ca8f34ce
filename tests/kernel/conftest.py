"""Fixtures of the tests that boot real kernels: `guest` is a machine of a kernel, shared by all its tests.

A test that uses `guest` runs on every kernel, or on those named by @pytest.mark.on("6.12", "rt"). One guest is up at
a time, and the tests are sorted by kernel. A failure shows what the guest's kernel said.
"""

import os
import sys

import pytest
from _pytest.runner import runtestprotocol

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from booting import EMULATOR_FAILED, booted  # noqa: E402
from known_work import KNOWN_WORK, record, record_flood  # noqa: E402
from lab.guest import EVERYTHING, GuestDied  # noqa: E402
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
            self.guest, self.flavour = booted(flavour, devices=(*EVERYTHING, "e1000")), flavour
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


@pytest.fixture(scope="session")
def made():
    """Recordings made so far: {(release, name): path}."""
    return {}


@pytest.fixture
def known(guest, labirq, made):
    """A recording with RAISED interrupts in it, and what follows from them."""
    key = guest.name, "known"
    if key not in made:
        guest.check(f"echo f >/proc/irq/{labirq.irq}/smp_affinity")
        made[key] = record(guest, "known", KNOWN_WORK)
    return made[key]


@pytest.fixture
def flooded(guest, labirq, made):
    """A recording under packets flat out, all queues on CPU 0."""
    key = guest.name, "flood"
    if key not in made:
        made[key] = record_flood(guest)
    return made[key]


def pytest_runtest_protocol(item, nextitem):
    """A test whose guest was lost to a failed emulator is run again, once; anything else that ends a guest is a failure."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed and "GuestDied" in str(report.longrepr) and EMULATOR_FAILED in str(report.longrepr) for report in reports):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


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
