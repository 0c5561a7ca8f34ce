"""[[disk]] and [[job]] into disks with their lines, hardware queues by CPU, and tasks that read.

drivers/nvme/host/pci.c nvme_setup_irqs, nvme_pci_map_queues: a managed line for each queue, and one for the controller's own
commands before them. ahci has one queue, whose line nobody manages.
"""

import re

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.assemble.lines import add_line, managed_lines, near_cpus, refuse_placement
from tophalf.model.assemble.spread import group_cpus_evenly
from tophalf.model.block.buildblock import add_disk, add_job, add_queue, irq_handler, polled_irq_handler
from tophalf.model.irq.builddevices import spend_program

REQUESTS_MAX = 1 << 20
IRQ_POLL_WEIGHT = 64  # as drivers/scsi/mpt3sas and others set it, more or less


def add(builder, scenario, entry):
    """One disk. Raises: TophalfError for what no machine can have."""
    _check(builder, entry)
    count = entry.queues or (len(builder.cpus) if entry.driver == "nvme" else 1)
    names = ("service", "cqe_cost", "complete_cost")
    costs = {name: builder.cost(getattr(entry, name), f"{name} of {entry.name}") for name in names}
    disk = add_disk(builder, entry.name, channels=entry.channels, rq_affinity=entry.rq_affinity, driver=entry.driver, **costs)
    masks, lines, names = _nvme_lines(builder, entry, count) if entry.driver == "nvme" else _ahci_lines(builder, entry, count)
    for number, (desc, name) in enumerate(zip(lines, names, strict=True)):
        hctx = add_queue(builder, disk, masks[number], desc)
        cost = builder.cost(entry.handler_cost, f"handler of {name} {entry.name}")
        handler = polled_irq_handler(builder, hctx, IRQ_POLL_WEIGHT, cost) if entry.irq_poll else irq_handler(builder, hctx, cost)
        builder.action(desc, name, handler)
    for cpus in _spread(builder, entry.poll_queues) if entry.poll_queues else ():
        add_queue(builder, disk, cpus)
    _describe(builder, entry, range(entry.irq, entry.irq + len(lines) + (entry.driver == "nvme")))


def _check(builder, entry):
    for key in ("queues", "poll_queues"):
        if (getattr(entry, key) or 0) > len(builder.cpus):
            raise TophalfError("more queues than CPUs", entry.where(key), f"give at most {len(builder.cpus)}")
    if any(disk.name == entry.name for disk in builder.disks):
        raise TophalfError(f"a second disk {entry.name}", entry.where("name"), "give it another name")
    if entry.service[0] != "empirical" and entry.service[1] == 0:
        raise TophalfError("a request that takes no time comes back before it goes", entry.where("service"), "give it some time")
    if entry.poll_queues and entry.driver != "nvme":
        raise TophalfError(f"{entry.driver} has no queues that are polled", entry.where("poll_queues"), "choose driver = nvme")
    if entry.driver == "nvme":
        refuse_placement(entry, "cpu")
    elif entry.queues not in (None, 1):
        raise TophalfError("ahci has one queue", entry.where("queues"), "choose driver = nvme")


def _refuse_taken(builder, entry, count):
    for number in range(entry.irq, entry.irq + count):
        if number in builder.irqs:
            raise TophalfError(f"IRQ {number} is another device's already", entry.where("irq"), "choose other numbers")


def _nvme_lines(builder, entry, count):
    """([CPUs of each queue], lines, names of their actions)."""
    _refuse_taken(builder, entry, count + 1)
    controller = re.sub(r"n\d+$", "", entry.name)
    names = [f"{controller}q{number}" for number in range(count + 1)]
    own, *lines = managed_lines(builder, entry.irq, names, before=1)
    builder.action(own, names[0], spend_program(builder, builder.cost(entry.handler_cost, f"handler of {names[0]}")))
    return _spread(builder, count), lines, names[1:]


def _ahci_lines(builder, entry, count):
    _refuse_taken(builder, entry, 1)
    cpu = near_cpus(builder, entry.node)[0] if entry.cpu is None else entry.cpu
    return _spread(builder, 1), [add_line(builder, entry.irq, f.FLOW_EDGE, "ahci", cpu, node=entry.node)], ["ahci"]


def _spread(builder, count):
    """CPUs of each of `count` queues (blk_mq_map_queues; the masks of managed interrupts are the same)."""
    cpus = range(len(builder.cpus))
    node_of = {cpu: node for node, members in builder.about["nodes"].items() for cpu in members} or dict.fromkeys(cpus, 0)
    siblings = {cpu: core for core in builder.about["cores"] for cpu in core} or {cpu: (cpu,) for cpu in cpus}
    return group_cpus_evenly(count, node_of, siblings)


def _describe(builder, entry, numbers):
    """What only the files of the machine tell."""
    builder.about.setdefault("line_devices", {}).update(dict.fromkeys(numbers, entry.name))
    for key, value in (("device_nodes", entry.node), ("drivers", entry.driver)):
        builder.about.setdefault(key, {})[entry.name] = value


def add_jobs(builder, scenario, entry):
    """A task on each CPU of a job. Raises: TophalfError."""
    disk = next((disk for disk in builder.disks if disk.name == entry.disk), None)
    if disk is None:
        raise TophalfError(f"there is no disk {entry.disk}", entry.where("disk"), "add a [[disk]] of that name")
    if entry.poll and not next(other.poll_queues for other in scenario.all("disk") if other.name == entry.disk):
        raise TophalfError("the disk has no queues to poll", entry.where("poll"), "give it poll_queues")
    if entry.poll and entry.poll_cost[0] != "empirical" and entry.poll_cost[1] == 0:
        raise TophalfError("a poll that takes no time never lets time pass", entry.where("poll_cost"), "give it some")
    cpus = entry.cpus if entry.cpus is not None else range(len(builder.cpus))
    if sum(other.requests for other in builder.disks) + len(cpus) * entry.depth > REQUESTS_MAX:
        raise TophalfError("too many requests in flight", entry.where("depth"), f"at most {REQUESTS_MAX:,} of all jobs together")
    for cpu in cpus:
        _add_task(builder, entry, disk, cpu)


def _add_task(builder, entry, disk, cpu):
    def cost(key):
        return builder.cost(getattr(entry, key), f"{key} of {entry.name} on {cpu} {len(builder.tasks)}")

    arrivals = ("bursts", entry.burst, entry.gap, entry.rate) if entry.arrivals == "bursts" else (entry.arrivals, entry.rate)
    policy, priority = (f.FIFO, entry.fifo) if entry.fifo else (f.FAIR, entry.nice)
    add_job(
        builder, disk, entry.name, cpu, entry.depth, cost("submit_cost"), cost("run"), arrivals if entry.rate else None,
        cost("poll_cost") if entry.poll else 0, policy=policy, priority=priority,
    )  # fmt: skip
