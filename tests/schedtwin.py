"""A slow twin of the scheduler on one CPU: FIFO, EEVDF of 6.12 and CFS of 6.1, ticks, wakeups, the preemption models.

Written after kernel/sched/fair.c, rt.c and core.c function by function, with lists for trees; interrupts and time: softirqtwin.
Each task is a list of steps, done again and again: ("run", ns), ("sleep", ns), ("block",), ("exit",), and in the kernel, inside
("syscall", steps): ("run", ns), ("wake", task), ("cond_resched",), ("off",), ("on",).

Twin of: sched, wakeup, fair, tasks, tick, localtimer, contexts, cputime.
"""

from softirqtwin import FIRST_IRQ, FIRST_PID, Task, Twin
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.builddevices import add_device
from tophalf.model.sched.fair import WEIGHTS

SLEEPS, DEAD = 1, 16


class Entity(Task):
    """given: fifo (priority) or nice, asleep, steps."""

    def __init__(self, pid, given):
        self.fifo, self.nice, self.asleep = given.get("fifo", 0), given.get("nice", 0), given["asleep"]
        super().__init__(pid, 99 - self.fifo if self.fifo else 120 + self.nice)
        self.weight = WEIGHTS[20 + self.nice]
        self.ran = self.charged = self.picked = 0
        self.vruntime = self.deadline = self.vlag = self.order = 0
        self.on_rq = self.delayed = False
        self.protected, self.state = None, SLEEPS

    def virtual(self, ns):
        return ns * 1024 // self.weight


class Eevdf:
    """struct cfs_rq of 6.12."""

    def __init__(self, tick_ns):
        self.tree, self.curr, self.zero, self.tick_ns, self.inserted = [], None, 0, tick_ns, 0

    slice = 700_000

    def competing(self):
        return self.tree + ([self.curr] if self.curr and self.curr.on_rq else [])

    def avg_vruntime(self):
        load = sum(each.weight for each in self.competing())
        if load:
            self.zero = sum(each.weight * each.vruntime for each in self.competing()) // load
        return self.zero

    def eligible(self, entity):
        return sum(each.weight * (each.vruntime - entity.vruntime) for each in self.competing()) >= 0

    def key(self, entity):
        return entity.deadline

    def insert(self, entity):
        self.inserted += 1
        entity.order = self.inserted
        self.tree = sorted([*self.tree, entity], key=lambda each: (self.key(each), each.order))

    def update_curr(self):
        """Returns whether resched_curr is called."""
        curr = self.curr
        if curr is None or curr.ran == curr.charged:
            return False
        curr.vruntime += curr.virtual(curr.ran - curr.charged)
        curr.charged = curr.ran
        return self.after_update(curr)

    def after_update(self, curr):
        resched = curr.vruntime >= curr.deadline
        if resched:
            curr.deadline = curr.vruntime + curr.virtual(self.slice)
        if len(self.competing()) == 1:
            return False
        return resched or curr.protected != curr.deadline and not self.eligible(curr)

    def place(self, entity, initial=False):
        average, load = self.avg_vruntime(), sum(each.weight for each in self.competing())
        behind = abs(entity.vlag) * (load + entity.weight) // load if load else 0  # div_s64 rounds to zero
        entity.vruntime = average + (behind if entity.vlag < 0 else -behind)
        entity.deadline = entity.vruntime + entity.virtual(self.slice) // (2 if initial else 1)

    def update_lag(self, entity):
        limit = entity.virtual(max(2 * self.slice, self.tick_ns))
        entity.vlag = min(max(self.avg_vruntime() - entity.vruntime, -limit), limit)

    def enqueue(self, entity, initial=False):
        resched = self.update_curr()
        self.place(entity, initial)
        entity.on_rq = True
        self.insert(entity)
        return resched

    def requeue_delayed(self, entity):
        self.update_lag(entity)
        if entity.vlag > 0:
            self.tree.remove(entity)
            entity.vlag = 0
            self.place(entity)
            self.insert(entity)
        entity.delayed = False

    def sleep(self):
        """dequeue_task of the running one."""
        curr = self.curr
        self.update_curr()
        if curr.state != DEAD and not self.eligible(curr):
            curr.delayed = True
        else:
            self.update_lag(curr)
            curr.on_rq = False

    def pick_eevdf(self):
        curr = self.curr if self.curr and self.curr.on_rq else None
        if len(self.competing()) == 1:
            return curr or self.tree[0]
        if curr and not self.eligible(curr):
            curr = None
        if curr and curr.protected == curr.deadline:
            return curr
        best = next((each for each in self.tree if self.eligible(each)), None)
        return curr if best is None or curr and curr.deadline < best.deadline else best

    def pick(self):
        """Who goes next, None where nobody competes."""
        if self.curr and self.curr.on_rq:
            self.update_curr()
        while self.competing():
            entity = self.pick_eevdf()
            if not entity.delayed:
                return entity
            self.update_lag(entity)
            entity.vlag = min(entity.vlag, 0)
            entity.delayed = entity.on_rq = False
            if entity is not self.curr:
                self.tree.remove(entity)
        return None

    def put_prev(self):
        if self.curr.on_rq:
            self.update_curr()
            self.insert(self.curr)
        self.curr = None

    def set_next(self, entity):
        self.tree.remove(entity)
        entity.protected, entity.picked, self.curr = entity.deadline, entity.ran, entity

    def leave(self, entity):
        """dequeue_entity of a task that changes its class: its lag and what is left of its slice are kept."""
        self.update_lag(entity)
        entity.deadline -= entity.vruntime
        self.tree.remove(entity)
        entity.on_rq = False

    def come_back(self, entity):
        """enqueue_entity and set_next_entity of the running task."""
        left = entity.deadline
        self.place(entity)
        entity.protected = entity.deadline = entity.vruntime + left
        self.curr, entity.on_rq, entity.charged, entity.picked = entity, True, entity.ran, entity.ran

    def tick(self):
        return self.update_curr()

    def preempts(self, entity):
        """check_preempt_wakeup_fair."""
        return self.update_curr() or self.pick_eevdf() is entity


class Cfs(Eevdf):
    """struct cfs_rq of 6.1; zero is min_vruntime; next and last are its buddies."""

    next = last = None

    def forget(self, entity):
        """clear_buddies."""
        self.next = None if self.next is entity else self.next
        self.last = None if self.last is entity else self.last

    def set_next(self, entity):
        self.forget(entity)
        super().set_next(entity)

    def sched_slice(self, weight, load, count):
        return max(750_000, max(6_000_000, (count > 8) * count * 750_000) * weight // load)

    def key(self, entity):
        return entity.vruntime

    def after_update(self, curr):
        self.update_minimum()
        return False

    def update_minimum(self):
        least = [each.vruntime for each in (*self.tree[:1], *([self.curr] if self.curr and self.curr.on_rq else []))]
        self.zero = max([self.zero, *([min(least)] if least else [])])

    def place(self, entity, initial=False):
        floor = self.zero - 3_000_000
        if initial:
            load = entity.weight + sum(each.weight for each in self.competing())
            floor = self.zero + entity.virtual(self.sched_slice(entity.weight, load, len(self.competing()) + 1))
        entity.vruntime = max(entity.vruntime, floor)

    def leave(self, entity):
        entity.vruntime -= self.zero
        self.forget(entity)
        self.tree.remove(entity)
        entity.on_rq = False
        self.update_minimum()

    def come_back(self, entity):
        entity.vruntime += self.zero
        self.curr, entity.on_rq, entity.charged, entity.picked = entity, True, entity.ran, entity.ran

    def sleep(self):
        self.update_curr()
        self.curr.on_rq = False
        self.forget(self.curr)
        self.update_minimum()

    def wakeup_preempt_entity(self, curr, entity):
        ahead = curr.vruntime - entity.vruntime
        return -1 if ahead <= 0 else int(ahead > entity.virtual(1_000_000))

    def pick_eevdf(self):
        """pick_next_entity."""
        curr = self.curr if self.curr and self.curr.on_rq else None
        left = curr if not self.tree or curr and curr.vruntime < self.tree[0].vruntime else self.tree[0]
        if self.next and self.wakeup_preempt_entity(self.next, left) < 1:
            return self.next
        if self.last and self.wakeup_preempt_entity(self.last, left) < 1:
            return self.last
        return left

    def tick(self):
        self.update_curr()
        if not self.tree:
            return False
        load, count = sum(each.weight for each in self.competing()), len(self.competing())
        ideal = self.sched_slice(self.curr.weight, load, count)
        ran = self.curr.ran - self.curr.picked
        if ran > ideal:
            self.forget(self.curr)
            return True
        return ran >= 750_000 and self.curr.vruntime - self.tree[0].vruntime > ideal

    def preempts(self, entity):
        self.update_curr()
        if self.wakeup_preempt_entity(self.curr, entity) < 1:
            return False
        self.next = entity
        if len(self.competing()) >= 8:
            self.last = self.curr
        return True


class SchedTwin(Twin):
    """scenario: hz, kernel, preempt, costs, lines [{times, spend, wakes: [task, ...]}], tasks, until_ns."""

    def __init__(self, scenario):
        super().__init__(scenario | {"tasks": [], "threadirqs": False, "actions": {}})
        self.given = scenario
        self.fair = (Cfs if scenario["kernel"] == "6.1" else Eevdf)(self.tick_ns)
        self.fifo, self.timers, self.expired, self.ran_last = [], [], [], None
        self.tasks = [Entity(FIRST_PID + number, given) for number, given in enumerate(scenario["tasks"])]
        for task, given in zip(self.tasks, scenario["tasks"], strict=True):
            task.life = self.life(task, given["steps"])
            if not given["asleep"]:
                task.awake, self.resched = True, True
                self.fifo_insert(task) if task.fifo else self.fair.enqueue(task, initial=True)

    # Time

    def compute(self, task):
        end, event, before = self.now + task.left, self.next_event(), self.now
        self.undecided |= end == event
        task.left = max(0, end - event)
        if task.time_class >= f.KSOFTIRQD:  # else it is a softirq's
            task.ran += min(end, event, self.until) - before
        self.pass_until(min(end, event))

    def next_event(self):
        return min([super().next_event(), *(time for time, _ in self.timers)])

    def look_at_devices(self):
        before = len(self.latched - {"tick"}) + len(self.expired)
        if self.next_tick <= self.now and self.current is not self.idle and None not in self.expired:
            self.expired.append(None)
        super().look_at_devices()
        for timer in sorted(self.timers, key=lambda timer: timer[0]):
            if timer[0] <= self.now:
                self.timers.remove(timer)
                self.expired.append(timer[1])
                self.latched.add("tick")
        self.undecided |= len(self.latched - {"tick"}) + len(self.expired) > before + 1

    def tick(self):
        """Tasks whose time is over, and the tick (None): also those that come before this is done."""
        self.emit(vocab.VECTOR_ENTRY, 0xEC)
        while self.expired:
            batch, self.expired = self.expired, []
            for task in batch:
                self.wake(task) if task else self.one_tick()
        self.latched.discard("tick")
        self.emit(vocab.VECTOR_EXIT, 0xEC)

    def one_tick(self):
        if self.fair.curr and self.fair.curr is self.current:
            self.resched |= self.fair.tick()
        self.count_tick()
        self.burn(self.costs["timer_tick"])

    def handle(self, line):
        given = self.given["lines"][line]
        self.emit(vocab.IRQ_HANDLER_ENTRY, FIRST_IRQ + line)
        self.burn(given["spend"])
        for task in given["wakes"]:
            self.wake(self.tasks[task])
        self.emit(vocab.IRQ_HANDLER_EXIT, FIRST_IRQ + line, 1)

    # The core

    def may_leave(self):
        if self.current is self.idle:
            return True
        return not self.current.depth and (not self.current.kernel or self.given["preempt"] == "full")

    def fifo_insert(self, task):
        at = sum(other.fifo >= task.fifo for other in self.fifo)
        self.fifo.insert(at, task)

    def wake(self, task):
        if task.awake:
            return
        self.emit(vocab.SCHED_WAKING, task.pid, 0, task.prio)
        self.timers = [timer for timer in self.timers if timer[1] is not task]  # schedule_hrtimeout cancels it
        self.expired = [other for other in self.expired if other is not task]
        if task.fifo:
            self.fifo_insert(task)
        elif task.delayed:
            self.fair.requeue_delayed(task)
        else:
            self.resched |= self.fair.enqueue(task)
        task.awake = True
        self.resched |= self.wakeup_preempt(task)
        self.emit(vocab.SCHED_WAKEUP, task.pid, 0, task.prio)

    def wakeup_preempt(self, task):
        if self.current is self.idle or task.fifo > self.current.fifo:
            return True
        return not task.fifo and not self.current.fifo and not self.resched and self.fair.preempts(task)

    def schedule(self, preempted, state=0):
        prev, self.resched = self.current, False
        if not preempted and state:
            prev.state = state
            self.fifo.remove(prev) if prev.fifo else self.fair.sleep()
        if self.fifo:
            chosen = self.fifo[0]
            if self.fair.curr:
                self.fair.put_prev()
        else:
            chosen = self.fair.pick() or self.idle
            if chosen is not self.fair.curr:
                if self.fair.curr:
                    self.fair.put_prev()
                if chosen is not self.idle:
                    self.fair.set_next(chosen)
        if chosen is prev:
            return
        self.emit(vocab.SCHED_SWITCH, chosen.pid, 0x100 if preempted else state, 120 if chosen is self.idle else chosen.prio)
        self.current = chosen
        if chosen is not self.idle:
            chosen.left += self.costs["context_switch"]
            if self.ran_last is not chosen:  # its caches were another's
                chosen.left += self.costs.get("cache_cold", 0)
                self.ran_last = chosen

    # Tasks

    def life(self, task, steps):
        while True:
            for step in steps:
                yield from self.step(task, *step)

    def step(self, task, what, argument=None):
        if what == "run":
            task.left = argument
            yield
        elif what in ("sleep", "block", "exit"):
            if what == "sleep":
                self.timers.append((self.now + argument, task))
            task.awake = False
            self.schedule(False, state=DEAD if what == "exit" else SLEEPS)
            yield
        elif what == "syscall":
            task.kernel, task.left = True, self.costs["syscall"]
            yield
            for inner in argument:
                yield from self.step(task, *inner)
            task.kernel = False
            yield
        else:
            yield from self.in_kernel(task, what, argument)

    def in_kernel(self, task, what, argument):
        if what == "wake":
            self.wake(self.tasks[argument])
        elif what == "cond_resched" and self.resched and not task.depth:
            self.schedule(True)
        elif what == "off":
            task.depth += 1
        elif what == "on":
            task.depth -= 1
            if self.resched and not task.depth and self.given["preempt"] == "full":
                self.schedule(True)
        yield


# The same for the model


def sched_model_of(scenario):
    """The Builder of the same scenario."""
    builder = Builder(1, **{key: scenario[key] for key in ("hz", "kernel", "preempt", "costs")})
    tasks, wakes = [], []
    for given in scenario["tasks"]:
        policy = {"policy": f.FIFO, "priority": given["fifo"]} if given.get("fifo") else {"priority": given.get("nice", 0)}
        tasks.append(builder.task("app", 0, 0, asleep=given["asleep"], **policy))
    for task, given in zip(tasks, scenario["tasks"], strict=True):
        builder.memory[builder.memory[task + f.K_FRAME] + f.F_PC] = _program(builder, given["steps"], tasks)
    for number, given in enumerate(scenario["lines"]):
        desc = builder.irq(FIRST_IRQ + number)
        add_device(builder, f"dev{number}", desc, False, ("times", given["times"]))
        wakes = [(ops.OP_WAKE, tasks[task]) for task in given["wakes"]]
        body = [(ops.OP_SPEND_NS, given["spend"]), *wakes, (ops.OP_RET, f.IRQ_HANDLED)]
        builder.action(desc, f"dev{number}", _place(builder, body), flags=f.IRQF_NO_THREAD)
    return builder


def _program(builder, steps, tasks):
    body = [_instruction(builder, tasks, *step) for step in steps]
    return _place(builder, [*body, (ops.OP_JUMP, "start")])


def _instruction(builder, tasks, what, argument=None):
    if what == "syscall":
        return ops.OP_SYSCALL, _place(builder, [*(_instruction(builder, tasks, *step) for step in argument), (ops.OP_RET,)])
    return {
        "run": (ops.OP_SPEND_NS, argument), "sleep": (ops.OP_SLEEP, argument), "block": (ops.OP_BLOCK, SLEEPS),
        "exit": (ops.OP_EXIT,), "wake": (ops.OP_WAKE, tasks[argument] if what == "wake" else 0),
        "cond_resched": (ops.OP_COND_RESCHED,), "off": (ops.OP_PREEMPT_OFF,), "on": (ops.OP_PREEMPT_ON,),
    }[what]  # fmt: skip


def _place(builder, instructions):
    code = Assembler()
    code.label("start")
    for instruction in instructions:
        code(*instruction)
    return builder.program(code)["start"]
