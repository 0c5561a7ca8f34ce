"""A slow twin of workqueues on one CPU, on top of the scheduler's twin: workers are tasks whose lives follow kernel/workqueue.c.

Written after the C functions with Python's lists: what is linked to an item is one list with it (a train), colors are numbers that
only grow, a worker's life is a generator. Delayed work and maydays come in the TIMER softirq, BH items in TASKLET and HI. Here are
time and the calls of the scheduler; workqueuetwin queues, workertwin runs, workflushtwin waits.

scenario: as schedtwin's, lines [{times, spend, does: [step, ...]}], tasks [{steps, nice}] (kernel threads; done once), queues
[{flags, max_active}], items [{queue, steps}], creation_ns. Steps: ("run", ns), ("sleep", ns), ("queue", item), ("delayed", item,
jiffies), ("mod", item, jiffies), ("cancel", item), ("cancel_sync", item), ("disable", item), ("enable", item), ("flush", item),
("flush_queue", queue), ("drain", queue), ("freeze",), ("thaw",).

Twin of: workqueue, workpools, workers, workrun, rescuers, bhwork, workflush, workfreeze, workexecute, worklists.
"""

from schedtwin import DEAD, Entity, SchedTwin
from softirqtwin import FIRST_PID, KSOFTIRQD
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.work import workfields as g
from workertwin import Running
from workflushtwin import Waiting
from workqueuetwin import Item, Pool, Queue, Queueing, Worker

HOG_NS = 10_000_000


class WorkTwin(Queueing, Running, Waiting, SchedTwin):
    def __init__(self, scenario, pid_of):
        """pid_of: {comm: pid} of the model's workers."""
        super().__init__(scenario | {"tasks": []})
        self.given, self.pid_of, self.locked, self.freezing = scenario, pid_of, 0, False
        self.pools, self.wheel, self.rung, self.started, self.u = {}, [], [], 0, 4 if scenario["kernel"] == "6.12" else 2
        self.fresh = scenario["kernel"] == "6.12"
        self.queues = [self.new_queue(number, given) for number, given in enumerate(scenario["queues"])]
        for pool in self.pools.values():
            self.new_workers(pool)
        self.items = [Item(number, self.queues[given["queue"]], given["steps"]) for number, given in enumerate(scenario["items"])]
        self.ksoftirqd = Entity(KSOFTIRQD, {"asleep": True})
        self.ksoftirqd.kernel, self.ksoftirqd.time_class, self.ksoftirqd.life = True, f.KSOFTIRQD, self.ksoftirqd_life()
        for number, given in enumerate(scenario["tasks"]):
            task = Entity(FIRST_PID + number, {"asleep": False, "nice": given["nice"]})
            task.kernel, task.life, task.awake, self.resched = True, self.task_life(task, given["steps"]), True, True
            self.tasks.append(task)
            self.fair.enqueue(task, initial=True)

    # What there is

    def new_queue(self, number, given):
        nice = -20 if given["flags"] & g.WQ_HIGHPRI else 0
        kind = "bh" if given["flags"] & g.WQ_BH else "unbound" if given["flags"] & g.WQ_UNBOUND else "cpu"
        pool = self.pools.setdefault((kind, nice), Pool(kind, nice))
        queue = Queue(given, pool)
        if given["flags"] & g.WQ_MEM_RECLAIM:
            name = f"kworker/R-q{number}" if self.fresh else f"q{number}"
            queue.rescuer = Worker(self.pid_of[name], -20, None, False)
            queue.rescuer.life = self.rescuer_life(queue.rescuer, queue)
        return queue

    def new_workers(self, pool):
        number_of_pool = self.u + [key for key in self.pools if key[0] == "unbound"].index(("unbound", pool.nice)) \
            if pool.kind == "unbound" else None
        for number in range(len(self.given["items"]) + 2):
            name = f"kworker/u{number_of_pool}:{number}" if pool.kind == "unbound" else f"kworker/0:{number}{'H' * (pool.nice < 0)}"
            if pool.kind == "bh":
                pool.idle = [Worker(None, pool.nice, pool, True)]
                return
            worker = Worker(self.pid_of[name], pool.nice, pool, pool.kind == "unbound")
            worker.life = self.worker_life(worker, pool)
            pool.free.append(worker)
        pool.idle = [pool.free.pop(0)]

    # Time and events

    def emit(self, kind, a, b=0, c=0):
        was, self.irqs_off = self.irqs_off, self.irqs_off or self.locked > 0
        self.current.depth += self.locked
        super().emit(kind, a, b, c)
        self.current.depth -= self.locked
        self.irqs_off = was

    def next_event(self):
        return min([super().next_event(), *(time for time, *_ in self.wheel)])

    def go_to(self, time):
        if self.softirq_of == f.KSOFTIRQD and not self.hardirq:
            self.current.ran += time - self.now
        super().go_to(time)

    def look_at_devices(self):
        if self.wheel and self.wheel[0][0] <= self.now and None not in self.expired:
            self.expired.append(None)  # an idle CPU has a tick for it, too
            self.latched.add("tick")
        super().look_at_devices()
        while self.wheel and self.wheel[0][0] <= self.now:
            self.rung.append(self.wheel.pop(0))

    def one_tick(self):
        if self.rung:
            self.emit(vocab.SOFTIRQ_RAISE, vocab.TIMER)
            self.pending.add(vocab.TIMER)
        if self.fair.curr and self.fair.curr is self.current:
            self.resched |= self.fair.tick()
        if self.current is self.idle:
            self.ticks[f.TICK_IDLE] += 1
        else:
            self.count_tick()
        self.worker_tick(self.current)
        self.burn(self.costs["timer_tick"])

    def handle(self, line):
        given = self.given["lines"][line]
        self.emit(vocab.IRQ_HANDLER_ENTRY, self.first_irq + line)
        self.burn(given["spend"])
        for step in given["does"]:
            self.at_once(*step)
        self.emit(vocab.IRQ_HANDLER_EXIT, self.first_irq + line, 1)

    def action(self, vector):
        if vector == vocab.TIMER:
            while self.rung:
                what = self.rung.pop(0)[2]
                self.delay_is_over(what) if isinstance(what, Item) else self.mayday_timeout(what)
        else:
            self.bh_worker(self.pools.get(("bh", -20 if vector == vocab.HI else 0)))

    def at_jiffy(self, jiffies, what):
        """A timer of the wheel: at the tick after that jiffy has begun; of one jiffy the last one that was started first."""
        self.started -= 1
        due = (self.now // self.tick_ns + jiffies + 1) * self.tick_ns, self.started, what
        self.wheel = sorted([*self.wheel, due], key=lambda due: due[:2])

    def unring(self, what):
        """timer_delete."""
        before = len(self.wheel) + len(self.rung)
        self.wheel, self.rung = ([due for due in timers if due[2] is not what] for timers in (self.wheel, self.rung))
        return len(self.wheel) + len(self.rung) < before

    # The scheduler calls

    def schedule(self, preempted, state=0):
        prev = self.current
        if state and isinstance(prev, Worker) and not self.uncounted(prev) and not prev.asleep_in_work:
            prev.asleep_in_work = True
            self.locked += 1
            prev.pool.running -= 1
            self.kick(prev.pool)
            self.locked -= 1
        super().schedule(preempted, state)
        now = self.current
        if isinstance(now, Worker) and now is not prev and now.asleep_in_work:
            now.asleep_in_work = False
            now.pool.running += not self.uncounted(now)
            now.since = now.charged

    def worker_tick(self, worker):
        if not self.fresh or not isinstance(worker, Worker) or worker.pwq is None:
            return
        if not self.uncounted(worker) and worker.charged - worker.since >= HOG_NS:
            self.locked += 1
            self.change(worker, hogs=True)
            self.kick(worker.pool)
            self.locked -= 1

    def uncounted(self, worker):
        return worker.prep or worker.unbound or worker.hogs

    def change(self, worker, **flags):
        """worker_set_flags, worker_clr_flags."""
        before = self.uncounted(worker)
        for name, value in flags.items():
            setattr(worker, name, value)
        worker.pool.running += before - self.uncounted(worker)

    def kick(self, pool):
        if not pool.needs_more() or not pool.idle:
            return
        if pool.kind == "bh":
            self.raise_softirq(vocab.HI if pool.nice else vocab.TASKLET)
        else:
            self.wake(pool.idle[0])

    # Steps

    def at_once(self, what, which=None, jiffies=0):
        """A step that never waits."""
        item = self.items[which] if which is not None else None
        if what == "queue":
            self.queue_work(item)
        elif what == "delayed":
            self.delayed(item, jiffies)
        elif what == "mod":
            self.grab(item, True)
            item.pending = item.inactive = False
            self.delayed(item, jiffies)
        elif what in ("cancel", "disable"):
            self.cancel(item, True, what == "disable")
        elif what == "enable":
            item.disabled -= 1
        elif what in ("freeze", "thaw"):
            self.freezing = what == "freeze"
            for queue in self.queues:
                self.adjust(queue)

    def step(self, task, what, argument=None, jiffies=0):
        if what in ("run", "sleep"):
            yield from super().step(task, what, argument)
        elif what == "flush":
            yield from self.might_sleep(task)
            if self.barrier(task, self.items[argument]):
                yield from self.wait(task)
            yield
        elif what == "cancel_sync":
            self.cancel(self.items[argument], True, True)
            yield from self.might_sleep(task)
            if self.barrier(task, self.items[argument]):
                yield from self.wait(task)
            self.items[argument].disabled -= 1
            yield
        elif what == "flush_queue":
            yield from self.flush_queue(task, self.queues[argument])
            yield
        elif what == "drain":
            yield from self.drain(task, self.queues[argument])
        else:
            self.at_once(what, argument, jiffies)
            yield

    def task_life(self, task, steps):
        for step in steps:
            yield from self.step(task, *step)
        task.awake = False
        self.schedule(False, state=DEAD)
        yield
