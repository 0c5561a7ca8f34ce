"""The sections of a scenario, a file each: what may be said of a machine, its devices and its load."""

from tophalf.scenario.sections import app, at, costs, device, irqbalance, machine, nic, task, work, workqueue

_MODULES = (machine, costs, workqueue, nic, device, work, task, app, irqbalance, at)
SECTIONS = {module.SECTION.name: module.SECTION for module in _MODULES}
