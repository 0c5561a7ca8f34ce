"""A slow twin of level lines that are shared, of ONESHOT lines and of threads, on one CPU, above schedtwin's tasks.

A line is a dict of what is on it: "asserted" a set of devices, "masked", "in_service", "woken" threads that it waits for. After
kernel/irq/chip.c (handle_level_irq, handle_fasteoi_irq, handle_edge_irq), handle.c, manage.c (irq_thread, irq_finalize_oneshot).

Twin of: irqlines, irqthread, device, hardirq, apic.
"""

from modelprograms import program
from schedtwin import Entity, SchedTwin, sched_model_of
from softirqtwin import FIRST_PID
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.irq.builddevices import add_device, add_threaded_action

FIRST_SHARED_IRQ = 60
NONE, HANDLED, WAKE_THREAD = range(3)
FLOWS = {"level": f.FLOW_LEVEL, "fasteoi": f.FLOW_FASTEOI, "edge": f.FLOW_EDGE}


class Thread(Entity):
    def __init__(self, pid, line, device, spend):
        super().__init__(pid, {"fifo": 50, "asleep": True})
        self.kernel, self.time_class, self.line, self.device, self.spend, self.runs = True, f.IRQ_THREAD, line, device, spend, False


class IrqTwin(SchedTwin):
    """scenario: schedtwin's, and shared: [{flow, threaded, devices: [{times, handler, thread}]}].

    threaded: ONESHOT with the default handler for level and fasteoi, a handler of its own for edge.
    """

    def __init__(self, scenario):
        super().__init__(scenario)
        self.shared = [
            given | {"asserted": set(), "masked": False, "in_service": False, "woken": set()} for given in scenario["shared"]
        ]
        self.firings = sorted(
            (time, number, device)
            for number, line in enumerate(self.shared) for device, given in enumerate(line["devices"]) for time in given["times"]
        )  # fmt: skip
        self.threads = {}
        for number, line in enumerate(self.shared):
            for device, given in enumerate(line["devices"] if line["threaded"] else []):
                thread = Thread(FIRST_PID + len(self.tasks), number, device, given["thread"])
                thread.life = self.thread_life(thread)
                self.threads[number, device] = thread
                self.tasks.append(thread)

    def next_event(self):
        return min([super().next_event(), *(time for time, _, _ in self.firings[:1])])

    def look_at_devices(self):
        fired = [firing for firing in self.firings if firing[0] <= self.now]
        self.firings = self.firings[len(fired) :]
        before = len(self.latched)
        super().look_at_devices()
        self.undecided |= len(fired) + len(self.latched) > before + 1 and len(fired) > 0
        for _, number, device in fired:
            self.shared[number]["asserted"].add(device)
            self.send(number)

    def send(self, number):
        """The line's message, if it is let through."""
        line = self.shared[number]
        if not line["masked"] and not line["in_service"]:
            self.latched.add(len(self.given["lines"]) + number)

    # The interrupt

    def taken(self, which):
        if which != "tick" and which >= len(self.given["lines"]):
            line = self.shared[which - len(self.given["lines"])]
            line["in_service"] = line["flow"] != "edge"

    def handle(self, index):
        if index < len(self.given["lines"]):
            super().handle(index)
            return
        number = index - len(self.given["lines"])
        line = self.shared[number]
        is_edge, oneshot = line["flow"] == "edge", line["threaded"] and line["flow"] != "edge"
        line["masked"] |= line["flow"] == "level" or oneshot
        for device, given in enumerate(line["devices"]):
            self.emit(vocab.IRQ_HANDLER_ENTRY, FIRST_SHARED_IRQ + number)
            result = self.action_of(line, number, device, given)
            self.emit(vocab.IRQ_HANDLER_EXIT, FIRST_SHARED_IRQ + number, result)
            if result == WAKE_THREAD:
                self.wake_thread(line, number, device, oneshot)
        if not is_edge and not line["woken"]:
            line["masked"] = False
        self.end_of_interrupt(number)

    def end_of_interrupt(self, number):
        self.shared[number]["in_service"] = False
        if self.shared[number]["flow"] != "edge" and self.shared[number]["asserted"]:
            self.send(number)

    def action_of(self, line, number, device, given):
        if line["threaded"] and line["flow"] != "edge":
            return WAKE_THREAD
        if line["threaded"]:
            self.burn(given["handler"])
            return WAKE_THREAD
        if device not in line["asserted"]:
            return NONE
        self.burn(given["handler"])
        line["asserted"].discard(device)
        return HANDLED

    def wake_thread(self, line, number, device, oneshot):
        thread = self.threads[number, device]
        if not thread.runs:
            thread.runs = True
            if oneshot:
                line["woken"].add(device)
            self.wake(thread)

    def thread_life(self, thread):
        line = self.shared[thread.line]
        while True:
            if not thread.runs:
                thread.awake = False
                self.schedule(False, state=1)
                yield
                continue
            thread.runs, thread.left = False, thread.spend
            yield
            line["asserted"].discard(thread.device)
            if line["flow"] != "edge" and not thread.runs:
                line["woken"].discard(thread.device)
                if not line["woken"] and line["masked"]:
                    line["masked"] = False
                    if line["asserted"]:
                        self.send(thread.line)
                        self.take_interrupts()
            yield


def irq_model_of(scenario):
    """The Builder of the same scenario."""
    builder = sched_model_of(scenario)
    for number, line in enumerate(scenario["shared"]):
        desc = builder.irq(FIRST_SHARED_IRQ + number, 0, FLOWS[line["flow"]])
        for index, given in enumerate(line["devices"]):
            name = f"s{number}.{index}"
            device = add_device(builder, name, desc, line["flow"] != "edge", ("times", given["times"]))
            if line["threaded"]:
                _threaded(builder, desc, name, line, given, device)
            else:
                builder.action(desc, name, _handler(builder, given, device))
    return builder


def _threaded(builder, desc, name, line, given, device):
    thread = program(builder, (ops.OP_SPEND_NS, given["thread"]), (ops.OP_DEVICE_ACK, device), (ops.OP_RET, f.IRQ_HANDLED))
    handler = None
    if line["flow"] == "edge":
        handler = program(builder, (ops.OP_SPEND_NS, given["handler"]), (ops.OP_RET, f.IRQ_WAKE_THREAD))
    add_threaded_action(builder, desc, name, thread, handler, oneshot=handler is None)


def _handler(builder, given, device):
    return program(
        builder, (ops.OP_DEVICE_READ, device), (ops.OP_JUMP_ZERO, f.F_R1, "none"), (ops.OP_SPEND_NS, given["handler"]),
        (ops.OP_DEVICE_ACK, device), (ops.OP_RET, f.IRQ_HANDLED), "none", (ops.OP_RET, f.IRQ_NONE),
    )  # fmt: skip
