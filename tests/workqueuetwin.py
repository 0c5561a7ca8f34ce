"""Queueing in the twin of workqueues: items, pools, how many may be active; delays, cancelling, freezing. See `worktwin`."""

from schedtwin import Entity
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.work import workfields as g


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


class Queueing:
    """The part of WorkTwin that queues items and takes them back."""

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
