"""Whether the kernel manages an interrupt's affinity and refuses writes: no file says it, so this weighs evidence.

A managed vector (IRQD_AFFINITY_MANAGED) comes from pci_alloc_irq_vectors_affinity with PCI_IRQ_AFFINITY: storage drivers
spread their queues with it (kernel/irq/affinity.c irq_create_affinity_masks) and leave `pre_vectors` for admin work free.
"""

import re

# Drivers that ask for PCI_IRQ_AFFINITY or pass struct irq_affinity to their bus, by the names of their queue actions.
# (drivers/nvme/host/pci.c, drivers/block/virtio_blk.c, fs/fuse/virtio_fs.c, drivers/scsi/*, read in 6.12)
_QUEUES = (
    (re.compile(r"nvme\d+q[1-9]\d*$"), "nvme", "an NVMe I/O queue"),
    (re.compile(r"virtio\d+-req\.\d+$"), "virtio_blk", "a virtio-blk request queue"),
    (re.compile(r"virtio\d+-request$"), "virtio_scsi", "a virtio-scsi request queue"),
    (re.compile(r"virtio\d+-requests\.\d+$"), "virtiofs", "a virtio-fs request queue"),
    (re.compile(r"megasas\d*-msix\d+$"), "megaraid_sas", "a megaraid_sas reply queue"),
    (re.compile(r"mpt[23]sas\d*-msix\d+$"), "mpt3sas", "an mpt3sas reply queue"),
    (re.compile(r"mpi3mr\d+-msix[1-9]\d*$"), "mpi3mr", "an mpi3mr reply queue"),
    (re.compile(r"hpsa\d+-msix\d+$"), "hpsa", "an hpsa reply queue"),
    (re.compile(r"qla2xxx.*(?:qpair|multiqueue)", re.I), "qla2xxx", "a qla2xxx queue pair"),
    (re.compile(r"(?:smartpqi|hisi_sas|pm80xx|be2iscsi)", re.I), None, "a queue of a SCSI host adapter"),
)
_FREE = (
    (re.compile(r"nvme\d+q0$"), "the admin queue of an NVMe controller, a vector its driver leaves free"),
    (re.compile(r"virtio\d+-config$"), "a virtio configuration vector, which its driver leaves free"),
    (re.compile(r"virtio\d+-(?:input|output)\.\d+$"), "a virtio-net queue: that driver sets hints and leaves masks free"),
)


def managed(line, files=None, facts=None, proof=None):
    """Returns (value, evidence). value: True, False, "likely" or None (no evidence); evidence: text for people, or None.

    line: a Line. files: its IrqFiles or None. facts: Facts or None. proof: why the kernel is known to refuse masks for
    this line (Snapshot.fixed), without which True is never said.
    """
    if line.irq is None or line.kind != "device":
        return None, None
    value, evidence = _weighed(line, files, facts)
    if proof and _is_message(line.chip):
        return True, "; ".join(filter(None, (proof, evidence if value else None)))
    return value, evidence


def _is_message(chip):
    """Message-signalled vectors: only those can be managed (kernel/irq/msi.c, irq_create_affinity_masks)."""
    return any(word in (chip or "").upper() for word in ("MSI", "ITS"))


def _weighed(line, files, facts):
    for pattern, why in _FREE:
        if _named(line, pattern):
            return False, why
    if line.chip and not _is_message(line.chip):
        return False, f"{line.chip} is no message-signalled vector, and only those can be managed"
    if files is not None and files.affinity_hint:
        return False, "its driver publishes an affinity_hint, which is advice to whoever writes the mask"
    return _likely(line, files, facts)


def _named(line, pattern):
    return any(pattern.match(action) for action in line.actions)


def _likely(line, files, facts):
    device = facts.pci.get(line.irq) if facts and facts.pci else None
    for pattern, driver, what in _QUEUES:
        if _named(line, pattern):
            evidence = [f"{line.actions[0]} is {what}, whose driver asks the kernel to spread its vectors"]
            if device and device.driver and driver:
                evidence.append(f"driver {device.driver}")
            if files is not None and files.affinity is not None and len(files.affinity) == 1:
                evidence.append(f"its mask is one CPU ({files.affinity[0]})")
            return "likely", "; ".join(evidence)
    return None, None
