"""The sections of a scenario, a file each: what may be said of a machine, its devices and its load."""

from tophalf.scenario.sections import (
    app,
    at,
    call,
    costs,
    device,
    disk,
    driver,
    irqbalance,
    job,
    machine,
    nic,
    nmi,
    softirqs,
    task,
    timer,
    work,
    workqueue,
)

_MODULES = (machine, costs, softirqs, nmi, workqueue, nic, device, driver, call, disk, timer, work, task, job, app, irqbalance, at)
SECTIONS = {module.SECTION.name: module.SECTION for module in _MODULES}
