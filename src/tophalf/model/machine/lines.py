"""Interrupt lines of a simulated machine: /proc/interrupts, /proc/irq and /sys/kernel/irq.

kernel/irq/proc.c show_interrupts, arch/x86/kernel/irq.c arch_show_interrupts. Left out: SPU, TLB and the other lines of
things that the model does not have.
"""

from tophalf.model import fields as f
from tophalf.model.irq import managefields as g
from tophalf.model.irq.nmifields import NM_COUNT
from tophalf.model.machine.sight import FLOWS
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.snapshot import Interrupts, IrqFiles, Line, Spurious

# arch/x86/kernel/irq.c: key, kind, what it says of itself; the system vectors that it counts
ARCH_LINES = (
    ("LOC", "timer", "Local timer interrupts", ("local_timer",)),
    ("IWI", "arch", "IRQ work interrupts", ("irq_work",)),
    ("RES", "ipi", "Rescheduling interrupts", ("reschedule",)),
    ("CAL", "ipi", "Function call interrupts", ("call_function", "call_function_single")),
)
# Where a counter makes some
NMI_LINES = (("NMI", "nmi", "Non-maskable interrupts"), ("PMI", "arch", "Performance monitoring interrupts"))
READ_ONLY = "the kernel shows its mask read-only"  # as host/steer/fixed.py says of a host's
COUNT_MAX = 1 << 32  # a cell is an unsigned int


def read_interrupts(sight):
    """Interrupts, with a column for each CPU that is online."""
    lines = {str(number): _device_line(sight, number, desc) for number, desc in sight.lines.items()}
    for key, kind, description in NMI_LINES if sight.builder.nmis else ():
        counts = tuple(_nmis(sight, cpu) for cpu in sight.online)
        lines[key] = Line(key=key, kind=kind, counts=counts, per_cpu=True, actions=(), description=description)
    for key, kind, description, names in ARCH_LINES:
        descs = [desc for number, desc in sight.builder.irqs.items() if number < 0 and sight.text(desc + f.D_NAME) in names]
        counts = tuple(map(sum, zip(*(_counts(sight, desc) for desc in descs), strict=True)))
        lines[key] = Line(key=key, kind=kind, counts=counts, per_cpu=True, actions=(), description=description)
    for key in ("ERR", "MIS"):
        single = len(sight.online) == 1  # with one CPU the line looks like any other
        lines[key] = Line(key=key, kind="error", counts=(0,), per_cpu=single, actions=(), description="")
    return Interrupts(cpus=sight.online, lines=lines)


def _nmis(sight, cpu):
    source = sight.builder.nmis.get(cpu)
    return sight[source + NM_COUNT] % COUNT_MAX if source else 0


def _counts(sight, desc):
    return tuple(sight[desc + f.D_COUNTS + cpu] % COUNT_MAX for cpu in sight.online)


def _device_line(sight, number, desc):
    name, hwirq, flow, actions = chip(sight, number), hardware_number(sight, number), flow_of(sight, desc), sight.action_names(desc)
    tail = f"{name:>8} {hwirq:>3}-{flow:<8}  {', '.join(actions)}".strip()
    return Line(
        key=str(number), irq=number, kind="device", counts=_counts(sight, desc), per_cpu=True, chip=name, hwirq=hwirq,
        trigger=flow, actions=actions, description=tail,
    )  # fmt: skip


def flow_of(sight, desc):
    return FLOWS[sight[desc + f.D_FLOW]]


def is_message(sight, number):
    """Whether a line is a message (MSI) of its device: all edges are, levels come through the IO-APIC."""
    return sight[sight.lines[number] + f.D_FLOW] == f.FLOW_EDGE


def chip(sight, number):
    """The chip's name as 6.12 prints it: one a device for messages (kernel/irq/msi.c, drivers/pci/msi/irqdomain.c)."""
    remapped = "IR-" if sight.about.get("interrupt_remapping") else ""
    if not is_message(sight, number):
        return f"{remapped}IO-APIC"
    address, device, _ = sight.owners[number]
    return f"{remapped}PCI-MSI{'X' if device in sight.nics or _has_several(sight, device) else ''}-{address}"


def _has_several(sight, device):
    """Whether a device has lines of its own choice: most with more than one use MSI-X."""
    return sum(name == device for _, name, _ in sight.owners.values()) > 1


def hardware_number(sight, number):
    """The index of a message, or the pin of the IO-APIC."""
    return sight.owners[number][2] if is_message(sight, number) else number


def read_irq_files(sight):
    """{number: IrqFiles} of every line; None where there is none."""
    return {number: _irq_files(sight, number, desc) for number, desc in sight.lines.items()} or None


def _irq_files(sight, number, desc):
    flow, cpu = flow_of(sight, desc), sight.cpu_number(sight[desc + f.D_CPU])
    return IrqFiles(
        affinity=requested(sight, number), effective_affinity=() if cpu is None else (cpu,), affinity_hint=hint(sight, number),
        node=sight.about.get("device_nodes", {}).get(sight.owners[number][1], 0), spurious=_spurious(sight, desc),
        actions=tuple(sorted(set(sight.action_names(desc)))), chip=chip(sight, number), hwirq=hardware_number(sight, number),
        trigger="edge" if flow == "edge" else "level", name=flow, wakeup="disabled",
    )  # fmt: skip


def requested(sight, number):
    """smp_affinity: the mask that waits for the line's next interrupt, else its own (kernel/irq/proc.c show_irq_affinity)."""
    desc, default = sight.lines[number], sight[sight[f.G_MANAGE] + g.M_DEFAULT]
    line = sight[desc + f.D_MANAGE]
    if sight[desc + f.D_MOVING] & g.SETAFFINITY_PENDING:
        return sight.cpus_of(sight[line + g.I_PENDING_MASK])
    return sight.cpus_of(sight[line + g.I_AFFINITY] or default)


def hint(sight, number):
    """A driver's hint: none where it gave none."""
    mask = sight[sight[sight.lines[number] + f.D_MANAGE] + g.I_HINT]
    return sight.cpus_of(mask) if mask else ()


def _spurious(sight, desc):
    last_ms = sight[desc + f.D_LAST_UNHANDLED] // sight[f.G_HZ_NS] * (sight[f.G_HZ_NS] // 10**6)  # jiffies_to_msecs
    return Spurious(
        count=sight[desc + f.D_SPURIOUS_COUNT], unhandled=sight[desc + f.D_UNHANDLED], last_unhandled_ms=last_ms
    )  # fmt: skip


def read_fixed(sight):
    """{number: proof} of lines whose mask cannot be changed; None where there are no lines. 6.1 shows no marks."""
    if not sight.lines:
        return None
    marks = sight[f.G_KERNEL] > KERNEL_6_1
    return {number: READ_ONLY for number, desc in sight.lines.items() if marks and _is_fixed(sight, desc)}


def _is_fixed(sight, desc):
    """irq_can_set_affinity_usr."""
    flags = sight[sight[desc + f.D_MANAGE] + g.I_FLAGS]
    return sight[desc + f.D_FLOW] == f.FLOW_PERCPU or bool(flags & (g.IRQD_MANAGED | g.IRQD_NO_BALANCING))


def default_mask(sight):
    """What a line gets that nobody placed (irqaffinity=)."""
    return tuple(sorted(sight.about.get("irqaffinity") or range(len(sight.builder.cpus))))
