"""The sections of a scenario, a file each: what may be said of a machine, its devices and its load."""

from tophalf.scenario.sections import at, costs, device, machine, nic, task, work, workqueue

SECTIONS = {
    section.name: section
    for section in (
        machine.SECTION, costs.SECTION, workqueue.SECTION, nic.SECTION, device.SECTION, work.SECTION, task.SECTION, at.SECTION,
    )  # fmt: skip
}
