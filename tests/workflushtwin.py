"""Waiting in the twin of workqueues: barriers, flushes by color, drains. See `worktwin`."""

from workertwin import BLOCKED
from workqueuetwin import Item


class Waiting:
    """The part of WorkTwin that waits for items."""

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
