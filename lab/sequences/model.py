"""A sequence as a world of the model: the same objects, each with its program in the model's instructions.

Waiting that labseq does on a word of memory is done on a device that signals nobody: OP_DEVICE_READ asks, OP_DEVICE_ACK
takes away. Costs are small and only keep time from standing still: the order of events is compared, not their times.
"""

from lab.sequences.language import CPUS, HI, TASKLET_SOFTIRQ
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.program import Assembler
from tophalf.model.irq import manageops
from tophalf.model.irq.builddevices import add_device, add_tasklet, add_threaded_action
from tophalf.model.table import event_table
from tophalf.model.timer import timerops
from tophalf.model.timer.buildtimers import add_timer, set_function
from tophalf.model.work import workfields as g
from tophalf.model.work import workops
from tophalf.model.work.buildwork import add_work, add_workqueue, end_work, system_workqueue

COSTS = {"irq_entry": 200, "irq_exit": 100, "softirq_entry": 100, "context_switch": 500, "ipi": 300}
TICKLESS = 2
SHARED_LINES = {0: 11, 3: 11}  # of the devices' INTx lines; the others have one each
FIRST_MSI, FIRST_INTX = 32, 20
WAIT_NS = 100
RUN_NS = 60_000_000
TRACE_ROWS = 20_000
TASK_OPS = {
    "bh_off": ops.OP_BH_OFF, "bh_on": ops.OP_BH_ON, "irqs_off": ops.OP_IRQS_OFF, "irqs_on": ops.OP_IRQS_ON,
    "preempt_off": ops.OP_PREEMPT_OFF, "preempt_on": ops.OP_PREEMPT_ON, "cond_resched": ops.OP_COND_RESCHED,
}  # fmt: skip
LINE_OPS = {"disable_irq": ops.OP_DISABLE_IRQ, "enable_irq": ops.OP_ENABLE_IRQ, "synchronize": manageops.OP_SYNCHRONIZE_IRQ}
TASKLET_OPS = {"tasklet_disable": ops.OP_TASKLET_DISABLE, "tasklet_enable": ops.OP_TASKLET_ENABLE}


class Player:
    """The world of one sequence, object by object."""

    def __init__(self, sequence, kernel="6.12"):
        self.sequence = sequence
        self.builder = Builder(1, cpus=CPUS, kernel=kernel, nohz=TICKLESS, interrupt_remapping=False, costs=COSTS)
        self.words, self.objects, self.lines, self.devices = {}, {}, {}, {}
        for part in sequence.parts:
            getattr(self, f"_declare_{part.kind}", lambda part: None)(part)
        for part in sequence.parts:
            getattr(self, f"_make_{part.kind}", lambda part: None)(part)

    # Objects come first, as far as programs name them, then what they do

    def _declare_line(self, part):
        number = SHARED_LINES.get(part.index, FIRST_INTX + part.index) if part.settings["intx"] else FIRST_MSI + part.index
        flow = f.FLOW_FASTEOI if part.settings["intx"] else f.FLOW_EDGE
        if number not in self.lines:
            self.lines[number] = self.builder.irq(number, part.settings["cpu"], flow, affinity=None)
        self.devices[part.index] = add_device(self.builder, f"seq{part.index}", self.lines[number], part.settings["intx"])
        self.objects["line", part.index] = self.lines[number]

    def _declare_tasklet(self, part):
        self.objects["tasklet", part.index] = add_tasklet(self.builder, f"seq_tasklet{part.index}", 0)

    def _declare_task(self, part):
        given = part.settings
        policy = {"policy": f.FIFO, "priority": given["priority"]} if given["priority"] else {}
        self.objects["task", part.index] = self.builder.task(
            f"seq-task{part.index}", given["cpu"], 0, kernel_thread=True, asleep=given["asleep"], **policy
        )

    def _declare_workqueue(self, part):
        given = part.settings
        if given["system"] in (None, "ordered"):
            flags = sum(getattr(g, name) for name in given["flags"])
            flags |= g.WQ_UNBOUND | g.WQ_ORDERED if given["system"] else 0
            wq = add_workqueue(self.builder, f"seq{part.index}", flags, given["max_active"])
        else:
            wq = system_workqueue(self.builder, "system_wq" if given["system"] == "system" else f"system_{given['system']}_wq")
        self.objects["workqueue", part.index] = wq

    def _declare_work(self, part):
        self.objects["work", part.index] = add_work(self.builder, f"seq_work{part.index}", 0)

    def _declare_timer(self, part):
        self.objects["timer", part.index] = add_timer(self.builder, f"seq_timer{part.index}")

    def _declare_hrtimer(self, part):
        soft = any(op[:2] == ("hrtimer_soft", part.index) for other in self.sequence.parts for op in other.program or ())
        name = f"seq_hrtimer{part.index}"
        self.objects["hrtimer", part.index] = add_timer(self.builder, name, "soft" if soft else "hrtimer")

    def _declare_napi(self, part):
        builder = self.builder
        quiet = builder.irq(200 + part.index, 0)
        queue = builder.queue("seq", quiet, f.MODE_NAPI, 16, builder.cost(0, "packet"), ("times", []))
        self.objects["napi", part.index] = builder.napi("seq", queue, builder.cost(0, "poll"))

    def _make_line(self, part):
        given, name, desc = part.settings, f"seq{part.index}", self.objects["line", part.index]
        device = self.devices[part.index]
        handler = self._program(self.sequence.of("handler")[part.index], f.IRQ_WAKE_THREAD if given["threaded"] else f.IRQ_HANDLED)
        if given["threaded"]:
            thread = self._program(self.sequence.of("thread")[part.index], f.IRQ_HANDLED)
            handler = None if given["default"] else handler
            flags = f.IRQF_SHARED if given["intx"] else 0
            add_threaded_action(self.builder, desc, name, thread, handler, device, given["oneshot"], flags)
        else:
            self.builder.action(desc, name, handler, device, f.IRQF_SHARED if given["intx"] else 0)

    def _make_tasklet(self, part):
        self.builder.memory[self.objects["tasklet", part.index] + f.TL_PROGRAM] = self._program(part)

    def _make_work(self, part):
        self.builder.memory[self.objects["work", part.index] + g.X_PROGRAM] = self._program(part)

    def _make_timer(self, part):
        set_function(self.builder, self.objects[part.kind, part.index], self._program(part))

    _make_hrtimer = _make_timer

    def _make_softirq(self, part):
        m = self.builder.memory
        m[m[f.G_ACTIONS] + part.index] = self._program(part)

    def _make_napi(self, part):
        self.builder.memory[self.objects["napi", part.index] + f.N_POLL] = self._program(part)

    def _make_task(self, part):
        m = self.builder.memory
        frame = m[self.objects["task", part.index] + f.K_FRAME]
        m[frame + f.F_PC] = self._program(part)

    # Programs

    def _program(self, part, otherwise=0):
        code = Assembler()
        code.label("start")
        writer = Writer(self, code, part, otherwise)
        for name, a, b in part.program:
            writer.write(name, a, b)
        writer.end()
        return self.builder.program(code)["start"]

    def word(self, name):
        """A word that programs can ask for and take away: set at first."""
        if name not in self.words:
            m = self.builder.memory
            self.words[name] = m.take(f.DEVICE_SIZE)
            m[self.words[name] + f.V_ASSERTED] = 1
        return self.words[name]

    def play(self):
        """The EventTable of the sequence."""
        self._warm_pools()
        world = self.builder.world(TRACE_ROWS)
        world.run(RUN_NS)
        return event_table(world)

    def _warm_pools(self):
        """Let each pool have all its workers, as labseq does, so that none is made within a sequence."""
        if self.builder.workqueues is None:
            return
        end_work(self.builder)
        m = self.builder.memory
        for pool in self.builder.workqueues.pools.values():
            idle = pool + g.O_IDLE_LIST
            for number in range(1, m[pool + g.O_WORKERS_MAX]):
                worker = m[m[pool + g.O_WORKERS] + number]
                m[worker + g.R_EXISTS], m[worker + g.R_FLAGS] = 1, m[worker + g.R_FLAGS] | g.WORKER_IDLE
                entry, last = worker + g.R_ENTRY, m[idle + 1]
                m[entry], m[entry + 1], m[last], m[idle + 1] = idle, last, entry, entry
                m[pool + g.O_NR_WORKERS] += 1
                m[pool + g.O_NR_IDLE] += 1


class Writer:
    """Writes one program, instruction by instruction."""

    def __init__(self, player, code, part, otherwise):
        self.player, self.code, self.part, self.otherwise = player, code, part, otherwise
        self.labels, self.skipping = 0, None

    def write(self, name, a, b):
        skipping, self.skipping = self.skipping, None
        self._write(name, a, b)
        if skipping:
            self.code.label(skipping)

    def _write(self, name, a, b):
        if name in TASK_OPS:
            self.code(TASK_OPS[name])
        elif name in LINE_OPS:
            self.code(LINE_OPS[name], self.player.objects["line", a])
        elif name in TASKLET_OPS:
            self.code(TASKLET_OPS[name], self.player.objects["tasklet", a])
        else:
            getattr(self, f"_{name}")(a, b)

    def end(self):
        if self.part.kind == "task":
            self.code.label("over")
            self.code(ops.OP_BLOCK, f.SLEEPING)
            self.code(ops.OP_JUMP, "over")
        else:
            self.code.label("over")
            self.code(ops.OP_RET, self.otherwise)

    def _label(self):
        self.labels += 1
        return f"l{self.labels}"

    def _spend(self, us, _):
        self.code(ops.OP_SPEND_NS, us * 1000)

    def _ret(self, value, _):
        self.code(ops.OP_RET, value)

    def _times(self, counter, count):
        """Go on so many times in all, then no more: a word for each time."""
        go = self._label()
        for number in range(count):
            used, word = self._label(), self.player.word(f"times {counter} {number}")
            self.code(ops.OP_DEVICE_READ, word)
            self.code(ops.OP_JUMP_ZERO, f.F_R1, used)
            self.code(ops.OP_DEVICE_ACK, word)
            self.code(ops.OP_JUMP, go)
            self.code.label(used)
        self.code(ops.OP_JUMP, "over")
        self.code.label(go)

    def _once(self, counter, _):
        """The next instruction is done the first time only."""
        self.skipping, word = self._label(), self.player.word(f"once {counter}")
        self.code(ops.OP_DEVICE_READ, word)
        self.code(ops.OP_JUMP_ZERO, f.F_R1, self.skipping)
        self.code(ops.OP_DEVICE_ACK, word)

    def _signal(self, flag, _):
        self.code(ops.OP_DEVICE_ACK, self.player.word(f"flag {flag}"))

    def _await(self, flag, _):
        again, done = self._label(), self._label()
        self.code.label(again)
        self.code(ops.OP_DEVICE_READ, self.player.word(f"flag {flag}"))
        self.code(ops.OP_JUMP_ZERO, f.F_R1, done)
        self.code(ops.OP_SPEND_NS, WAIT_NS)
        self.code(ops.OP_JUMP, again)
        self.code.label(done)

    def _send(self, line, _):
        self.code(ops.OP_TRIGGER, self.player.devices[line])

    _fire = _send  # where interrupts are on, it comes before the next instruction

    def _ack(self, line, _):
        self.code(ops.OP_DEVICE_ACK, self.player.devices[line])

    def _mine(self, line, _):
        go = self._label()
        self.code(ops.OP_DEVICE_READ, self.player.devices[line])
        self.code(ops.OP_JUMP_POSITIVE, f.F_R1, go)
        self.code(ops.OP_RET, f.IRQ_NONE)
        self.code.label(go)

    def _affinity(self, line, cpu):
        from tophalf.model.irq.buildmanage import cpu_mask

        self.code(manageops.OP_SET_AFFINITY, self.player.objects["line", line], cpu_mask(self.player.builder, [cpu]))

    def _raise(self, vector, _):
        self.code(ops.OP_RAISE, vector)

    def _tasklet(self, index, _):
        self.code(ops.OP_TASKLET_SCHEDULE, self.player.objects["tasklet", index], TASKLET_SOFTIRQ)

    def _tasklet_hi(self, index, _):
        self.code(ops.OP_TASKLET_SCHEDULE, self.player.objects["tasklet", index], HI)

    def _tasklet_kill(self, index, _):
        for op in (ops.OP_TASKLET_KILL, ops.OP_TASKLET_KILLED):
            self.code(op, self.player.objects["tasklet", index])

    def _wake(self, task, _):
        self.code(ops.OP_WAKE, self.player.objects["task", task])

    def _block(self, *_):
        self.code(ops.OP_BLOCK, f.SLEEPING)

    def _sleep(self, us, _):
        self.code(ops.OP_SLEEP, us * 1000)

    def _napi(self, index, _):
        self.code(ops.OP_NAPI_SCHEDULE, self.player.objects["napi", index])

    def _rx(self, *_):
        """Each poll but the last kind uses up a word, so that the next finds the next."""
        finds = self.part.settings["finds"]
        for number, work in enumerate(finds):
            later = self._label()
            if number + 1 < len(finds):
                word = self.player.word(f"poll {self.part.index} {number}")
                self.code(ops.OP_DEVICE_READ, word)
                self.code(ops.OP_JUMP_ZERO, f.F_R1, later)
                self.code(ops.OP_DEVICE_ACK, word)
            self.code(ops.OP_SET, f.F_R1, work)
            self.code(ops.OP_NAPI_COMPLETE)
            self.code(ops.OP_RET, work)
            self.code.label(later)

    def _timer(self, index, jiffies):
        self.code(timerops.OP_MOD_TIMER, self.player.objects["timer", index], jiffies)

    def _hrtimer(self, index, us):
        self.code(timerops.OP_HRTIMER_START, self.player.objects["hrtimer", index], us * 1000)

    _hrtimer_soft = _hrtimer

    def _work(self, op, index, z=0):
        wq = self.player.sequence.of("work")[index].settings["queue"]
        self.code(op, self.player.objects["work", index], self.player.objects["workqueue", wq], z)

    def _queue(self, index, _):
        self._work(workops.OP_QUEUE_WORK, index)

    def _queue_on(self, index, cpu):
        self._work(workops.OP_QUEUE_WORK, index, cpu + 1)

    def _delay(self, index, jiffies):
        self._work(workops.OP_QUEUE_DELAYED_WORK, index, jiffies * workops.DELAY_UNIT)

    def _mod_delay(self, index, jiffies):
        self._work(workops.OP_MOD_DELAYED_WORK, index, jiffies * workops.DELAY_UNIT)

    def _cancel(self, index, _):
        self.code(workops.OP_CANCEL_WORK, self.player.objects["work", index], workops.DELAYED)

    def _cancel_sync(self, index, _):
        self.code(workops.OP_CANCEL_WORK_SYNC, self.player.objects["work", index], workops.DELAYED)

    def _flush(self, index, _):
        self.code(workops.OP_FLUSH_WORK, self.player.objects["work", index])

    def _flush_queue(self, index, _):
        self.code(workops.OP_FLUSH_WORKQUEUE, self.player.objects["workqueue", index])
