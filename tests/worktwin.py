"""A slow twin of workqueues on one CPU, on top of the scheduler's twin: workers are tasks whose lives follow kernel/workqueue.c.

Written after the C functions with Python's lists: what is linked to an item is one list with it (a train), colors are numbers that
only grow, a worker's life is a generator. Delayed work and maydays come in the TIMER softirq, BH items in TASKLET and HI.

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

BLOCKED, IDLE = 2, 0x80
HOG_NS = 10_000_000


class Item:
    """A work item, or (waiter: an Entity) the barrier of one."""

    def __init__(self, name, queue=None, steps=(), waiter=None):
        self.name, self.queue, self.steps, self.waiter = name, queue, steps, waiter
        self.pending = self.inactive = self.bh = False
        self.pwq = self.pool = self.place = None  # place: the list in which it is a train's member, or a worker's
        self.color = self.disabled = self.runs = self.queued = self.cancelled = 0
        self.due = None


class Pool:
    def __init__(self, kind, nice):
        self.kind, self.nice, self.trains, self.idle, self.busy = kind, nice, [], [], []
        self.running, self.managed, self.free, self.mayday = 0, False, [], None

    def needs_more(self):
        return self.trains and not self.running


class Pwq:
    def __init__(self, queue, pool):
        self.queue, self.pool, self.active, self.waiting, self.flights, self.watched = queue, pool, 0, [], {}, None
        self.lined_up = False  # on wq_node_nr_active->pending_pwqs


class Queue:
    def __init__(self, given, pool):
        self.flags, self.most, self.saved = given["flags"], given["max_active"], given["max_active"]
        self.pwq, self.color, self.flush_color, self.first, self.flushers = Pwq(self, pool), 0, 0, None, []
        self.drainers, self.rescuer, self.maydays = 0, None, []


class Worker(Entity):
    """A kworker; number None: a rescuer."""

    def __init__(self, pid, nice, pool, flags):
        super().__init__(pid, {"asleep": True, "nice": nice})
        self.pool, self.counted, self.unbound, self.prep, self.hogs = pool, False, flags, True, False
        self.scheduled, self.item, self.pwq, self.asleep_in_work, self.since = [], None, None, False, 0
        self.kernel, self.time_class = True, f.KWORKER


class WorkTwin(SchedTwin):
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

    # Queueing

    def queue_work(self, item):
        if item.pending or item.disabled:
            return
        item.pending = True
        self.enqueue(item)

    def enqueue(self, item):
        """__queue_work."""
        queue, pwq = item.queue, item.queue.pwq
        in_task = not self.hardirq and not self.serving
        runs = self.current.pwq if in_task and isinstance(self.current, Worker) else None
        if queue.drainers and not (runs and runs.queue is queue):
            item.pending = False
            return
        self.locked += 1
        self.emit(vocab.WORKQUEUE_QUEUE_WORK, item.name, 0, -1 if pwq.pool.kind == "unbound" else 0)
        item.queued += 1
        if not pwq.waiting and self.count_in(pwq):
            self.emit(vocab.WORKQUEUE_ACTIVATE_WORK, item.name)
            self.put(item, pwq, pwq.pool.trains, False)
            self.kick(pwq.pool)
        else:
            self.put(item, pwq, pwq.waiting, True)
        self.locked -= 1

    def put(self, item, pwq, trains, inactive, color=None):
        train = [item]
        trains.append(train)
        item.place = train
        self.fly(item, pwq, pwq.queue.color if color is None else color, inactive)

    def fly(self, item, pwq, color, inactive):
        item.pwq, item.color, item.inactive = pwq, color, inactive
        pwq.flights[color] = pwq.flights.get(color, 0) + 1
        if not self.fresh and not pwq.pool.running and pwq.pool.idle:
            self.wake(pwq.pool.idle[0])

    def count_in(self, pwq, fill=False):
        """pwq_tryinc_nr_active."""
        if self.fresh and pwq.pool.kind == "unbound":
            if pwq.lined_up and not fill:
                return False
            pwq.lined_up |= pwq.active >= pwq.queue.most
        if pwq.active >= pwq.queue.most:
            return False
        pwq.active += 1
        return True

    def activate_first(self, pwq, fill=False):
        if not pwq.waiting or not self.count_in(pwq, fill):
            return False
        train = pwq.waiting.pop(0)
        self.emit(vocab.WORKQUEUE_ACTIVATE_WORK, train[0].name)
        pwq.pool.trains.append(train)
        train[0].inactive = False
        return True

    def land(self, item, pwq, inactive):
        """pwq_dec_nr_in_flight."""
        if not inactive:
            pwq.active -= 1
            if not self.fresh or pwq.pool.kind != "unbound":
                self.activate_first(pwq)
            elif pwq.active < pwq.queue.most and pwq.lined_up:
                pwq.lined_up = len(pwq.waiting) > 1
                self.activate_first(pwq, fill=True)  # node_activate_pending_pwq
        pwq.flights[item.color] -= 1
        if pwq.watched == item.color and not pwq.flights[item.color]:
            pwq.watched = None
            self.complete(pwq.queue.first)

    def delay_is_over(self, item):
        self.enqueue(item)

    def delayed(self, item, jiffies):
        if item.pending or item.disabled:
            return
        item.pending = True
        self.at_jiffy(jiffies, item) if jiffies else self.enqueue(item)

    def grab(self, item, delayed):
        if delayed and self.unring(item):
            return True
        if item.pwq is None:
            return False
        self.locked += 1
        pwq, train = item.pwq, item.place
        item.cancelled += 1
        if item.inactive:
            pwq.waiting.remove(train)
            pwq.pool.trains.append(train)
        train.remove(item)
        if not train and train in pwq.pool.trains:
            pwq.pool.trains.remove(train)
        item.pwq, item.pool, item.place = None, pwq.pool, None
        self.land(item, pwq, item.inactive)
        self.locked -= 1
        return True

    def cancel(self, item, delayed, disable=False):
        self.grab(item, delayed)
        item.disabled += disable
        item.pending = item.inactive = False

    # Running

    def who_runs(self, item):
        return next((worker for worker in (item.pool.busy if item.pool else ()) if worker.item is item), None)

    def assign(self, train, worker):
        """Returns whether the train is this worker's."""
        head = train[0]
        other = next((busy for busy in worker.pool.busy if busy.item is head), None)
        for item in train:
            item.place = (other or worker).scheduled
        (other or worker).scheduled.extend(train)
        return other is None

    def begin(self, worker):
        """process_one_work, up to the function."""
        item, pool = worker.scheduled.pop(0), worker.pool
        self.locked += 1
        pool.busy.append(worker)
        worker.item, worker.pwq, worker.inactive, worker.color = item, item.pwq, item.inactive, item.color
        worker.since = worker.charged
        if item.pwq.queue.flags & g.WQ_CPU_INTENSIVE:
            self.change(worker, hogs=True)
        self.kick(pool)
        item.pwq, item.place, item.pool, item.pending, item.inactive = None, None, pool, False, False
        self.locked -= 1
        item.runs += 1
        self.emit(vocab.WORKQUEUE_EXECUTE_START, item.name)
        return item

    def end(self, worker):
        pwq, item = worker.pwq, worker.item
        self.locked += 1
        self.change(worker, hogs=False)
        worker.pool.busy.remove(worker)
        worker.item = worker.pwq = None
        done = Item(item.name)
        done.color = worker.color
        self.land(done, pwq, worker.inactive)
        self.locked -= 1

    def more(self, worker):
        """keep_working, and the next item."""
        pool = worker.pool
        while not worker.scheduled:
            if not pool.trains or pool.running > 1:
                return False
            self.assign(pool.trains.pop(0), worker)
        return True

    def worker_life(self, worker, pool):
        while True:
            pool.idle.remove(worker)
            while pool.needs_more() and not pool.idle and not pool.managed:
                pool.managed = True
                yield from self.make_worker(worker, pool)
                pool.managed = False
            if pool.needs_more():
                self.change(worker, prep=False)
                while self.more(worker):
                    yield from self.function(worker, self.begin(worker))
                    self.end(worker)
                self.change(worker, prep=True)
            pool.idle.insert(0, worker)
            worker.awake = False
            self.schedule(False, state=IDLE)
            yield

    def function(self, worker, item):
        yield
        yield from self.run_item(worker, item)
        self.emit(vocab.WORKQUEUE_EXECUTE_END, item.name)
        yield
        if self.resched:
            self.schedule(True)
        yield

    def run_item(self, worker, item):
        if item.waiter:
            self.complete(item.waiter)
            yield
        for step in item.steps:
            yield from self.step(worker, *step)

    def make_worker(self, worker, pool):
        while True:
            self.at_jiffy(max(10_000_000 // self.tick_ns, 2), pool)
            if self.given["creation_ns"]:
                self.timers.append((self.now + self.given["creation_ns"], worker))
                worker.awake = False
                self.schedule(False, state=BLOCKED)
            yield
            self.unring(pool)
            made = pool.free.pop(0)
            self.locked += 1
            pool.idle.insert(0, made)
            self.wake(made)
            self.locked -= 1
            if not (pool.needs_more() and not pool.idle):
                return

    def mayday_timeout(self, pool):
        if pool.needs_more() and not pool.idle:
            self.locked += 1
            for train in pool.trains:
                for item in train:
                    queue = item.pwq.queue
                    if queue.rescuer and item.pwq not in queue.maydays:
                        queue.maydays.append(item.pwq)
                        self.wake(queue.rescuer)
            self.locked -= 1
        self.at_jiffy(100_000_000 // self.tick_ns, pool)

    def rescuer_life(self, worker, queue):
        while True:
            while not queue.maydays:
                worker.awake = False
                self.schedule(False, state=IDLE)
                yield
            pwq = queue.maydays.pop(0)
            worker.pool, worker.unbound = pwq.pool, pwq.pool.kind == "unbound"
            yield
            yield
            while self.rescue(worker, pwq):
                while worker.scheduled:
                    yield from self.function(worker, self.begin(worker))
                    self.end(worker)
            self.kick(pwq.pool)
            yield

    def rescue(self, worker, pwq):
        pool = pwq.pool
        for train in list(pool.trains):
            if not (pwq.active and pool.needs_more() and not pool.idle):
                return False
            if train[0].pwq is pwq:
                pool.trains.remove(train)
                if self.assign(train, worker):
                    return True
        return False

    def bh_worker(self, pool):
        if not pool or not pool.needs_more():
            return
        worker, end = pool.idle.pop(), self.now // self.tick_ns + -(-2_000_000 // self.tick_ns)
        for left in range(9, -1, -1):
            self.assign(pool.trains.pop(0), worker)
            while worker.scheduled:
                item = self.begin(worker)
                if item.waiter:
                    self.complete(item.waiter)
                for step in item.steps:
                    self.burn(step[1]) if step[0] == "run" else self.at_once(*step)
                self.emit(vocab.WORKQUEUE_EXECUTE_END, item.name)
                self.end(worker)
            if not pool.trains or not left or self.now // self.tick_ns >= end:
                break
        pool.idle = [worker]
        self.locked += 1
        self.kick(pool)
        self.locked -= 1

    # Waiting

    def complete(self, waiter):
        waiter.completed = True
        self.locked += 1
        self.wake(waiter)
        self.locked -= 1

    def wait(self, me):
        while not getattr(me, "completed", False):
            me.awake = False
            self.schedule(False, state=BLOCKED)
            yield
        me.completed = False

    def barrier(self, me, item):
        """Returns whether there is anything to wait for."""
        runs = None if item.pwq else self.who_runs(item)
        if not item.pwq and not runs:
            return False
        barrier = Item(("barrier", me.pid), waiter=me)
        barrier.pending = True
        pwq = item.pwq or runs.pwq
        self.locked += 1
        if runs:
            runs.scheduled.insert(0, barrier)
            barrier.place = runs.scheduled
        else:
            item.place.insert(item.place.index(item) + 1, barrier)
            barrier.place = item.place
        self.fly(barrier, pwq, runs.color if runs else item.color, True)
        self.locked -= 1
        return True

    def might_sleep(self, me):
        """Preemption by consent: who may come to sleep lets others in before."""
        while self.given["preempt"] == "voluntary" and self.resched:
            self.schedule(True)
            yield

    def flush_queue(self, me, queue):
        yield from self.might_sleep(me)
        mine = queue.color
        queue.color += 1
        if queue.first:
            queue.flushers.append((mine, me))
        elif queue.pwq.flights.get(mine):
            queue.first, queue.pwq.watched = me, mine
        else:
            queue.flush_color = queue.color
            return
        yield from self.wait(me)
        if queue.first is me:
            self.cascade(queue)

    def cascade(self, queue):
        while True:
            queue.first = None
            while queue.flushers and queue.flushers[0][0] == queue.flush_color:
                self.complete(queue.flushers.pop(0)[1])
            queue.flush_color += 1
            if not queue.flushers:
                return
            _, queue.first = queue.flushers.pop(0)
            if queue.pwq.flights.get(queue.flush_color):
                queue.pwq.watched = queue.flush_color
                return
            self.complete(queue.first)

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

    def adjust(self, queue):
        most = 0 if self.freezing and queue.flags & g.WQ_FREEZABLE else queue.saved
        if most == queue.most:
            return
        queue.most = most
        more = most > 0
        while more:
            self.locked += 1
            more = self.activate_first(queue.pwq, fill=True)
            if more:
                self.kick(queue.pwq.pool)
            self.locked -= 1

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

    def drain(self, task, queue):
        queue.drainers += 1
        yield
        while True:
            yield from self.flush_queue(task, queue)
            yield
            if not queue.pwq.active and not queue.pwq.waiting:
                break
            yield
        queue.drainers -= 1
        yield

    def task_life(self, task, steps):
        for step in steps:
            yield from self.step(task, *step)
        task.awake = False
        self.schedule(False, state=DEAD)
        yield
