"""Workers in the twin of workqueues: tasks whose lives follow kernel/workqueue.c, rescuers, BH workers. See `worktwin`."""

from tophalf import vocab
from tophalf.model.work import workfields as g
from workqueuetwin import Item

BLOCKED, IDLE = 2, 0x80


class Running:
    """The part of WorkTwin that runs items."""

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
