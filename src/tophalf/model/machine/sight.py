"""What the files of a simulated machine are read from: its memory as plain integers, its names, its devices by bus address.

A world's devices have no bus: network devices are PCI functions from 0000:00:04.0 on in the order in which they were built, others
follow them; each line belongs to one.
"""

from tophalf.model import fields as f
from tophalf.model.irq.managefields import M_MASK_WORDS, MASK_BITS
from tophalf.model.net import driverfields as d

NIC_SLOT, DEVICE_SLOT = 4, 16
FLOWS = {f.FLOW_EDGE: "edge", f.FLOW_LEVEL: "level", f.FLOW_FASTEOI: "fasteoi", f.FLOW_PERCPU: "percpu"}


class Sight:
    """builder: what was built; about: what only the builder knows ({key: value}, see build.Builder); online: CPU numbers."""

    def __init__(self, world):
        self.world, self.builder, self.about, self._memory = world, world.builder, world.builder.about, world.memory
        self.strings = world.builder.memory.strings
        self.online = tuple(number for number, cpu in enumerate(self.builder.cpus) if self[cpu + f.C_ONLINE])
        self.nics = {}
        for queue in self.builder.queues:
            self.nics.setdefault(self.text(queue + f.Q_NAME), []).append(queue)
        self.lines = {number: desc for number, desc in sorted(self.builder.irqs.items()) if number >= 0}
        self.owners = self._owners()

    def __getitem__(self, address):
        return int(self._memory[address])

    def text(self, address):
        """The text whose number lies at an address."""
        return self.strings[self[address]]

    def send_queue(self, queue):
        """The address of the send queue beside a receive queue, 0 for none."""
        return next((tx for tx in self.builder.sending if self[tx + d.TX_QUEUE] == queue), 0)

    def cpu_number(self, cpu):
        """The number of a CPU by its address, None for none."""
        return self[cpu + f.C_NUMBER] if cpu else None

    def cpus_of(self, mask):
        """CPU numbers of a mask in the world's memory."""
        words = [self[mask + word] for word in range(self[self[f.G_MANAGE] + M_MASK_WORDS])]
        return tuple(word * MASK_BITS + bit for word, bits in enumerate(words) for bit in range(MASK_BITS) if bits >> bit & 1)

    def actions(self, desc):
        """Addresses of a line's actions, in order."""
        found, action = [], self[desc + f.D_ACTIONS]
        while action:
            found.append(action)
            action = self[action + f.A_NEXT]
        return found

    def action_names(self, desc):
        return tuple(self.text(action + f.A_NAME) for action in self.actions(desc))

    def _owners(self):
        """{line number: (bus address, device, index of its message)}."""
        numbers = {desc: number for number, desc in self.lines.items()}
        owners = {}
        for place, (name, queues) in enumerate(self.nics.items()):
            lines = dict.fromkeys(numbers[self[queue + f.Q_DESC]] for queue in queues if self[queue + f.Q_DESC] in numbers)
            owners.update({number: (slot(NIC_SLOT + place), name, index) for index, number in enumerate(lines)})
        others = {}
        for number in self.lines:
            if number not in owners:
                others.setdefault(self._device_of(number), []).append(number)
        for place, (name, members) in enumerate(others.items()):
            owners.update({number: (slot(DEVICE_SLOT + place), name, index) for index, number in enumerate(members)})
        return owners

    def _device_of(self, number):
        """The device of a line: as the builder says, else one of its own, called as its first action."""
        names = self.action_names(self.lines[number])
        return self.about.get("line_devices", {}).get(number, names[0] if names else f"irq{number}")


def slot(place):
    """The address of a PCI function, 32 devices a bus."""
    return f"0000:{place // 32:02x}:{place % 32:02x}.0"
