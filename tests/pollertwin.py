"""A slow twin of what polls queues outside of softirqs, above napitwin: threads of NAPI, and tasks that busy poll.

Written after net/core/dev.c (napi_thread_wait, napi_threaded_poll_loop, __napi_busy_loop, busy_poll_stop). All of them are FIFO
tasks of different priorities: who goes first among fair ones is schedtwin's.

Twin of: napithread, busypoll, driver.
"""

from modelprograms import program
from napitwin import NapiTwin, napi_model_of
from softirqtwin import FIRST_PID, Task
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import napi_address
from tophalf.model.net import driverops as d
from tophalf.model.net.builddriver import add_busy_reader, add_napi_thread, read_program


class PollerTwin(NapiTwin):
    """scenario: as napitwin's; each queue's fifo: of its thread, 0 for none; readers, each a dict of what poller_model_of takes."""

    def __init__(self, scenario):
        super().__init__(scenario)
        for queue in self.queues:
            if queue.given["fifo"]:
                queue.thread = self.add_task(queue.given["fifo"], kernel=True, awake=False)
                queue.thread.life = self.thread_life(queue.thread, queue)
        for given in scenario["readers"]:
            reader = self.add_task(given["priority"], kernel=False, awake=True)
            reader.life = self.reader_life(reader, given, self.queues[given["queue"]])

    def add_task(self, priority, kernel, awake):
        task = Task(FIRST_PID + len(self.tasks), 99 - priority, kernel)
        task.awake = awake
        self.resched |= awake
        self.tasks.append(task)
        return task

    def may_leave(self):
        return super().may_leave() and (self.current is self.idle or not self.current.depth)

    def bottom_halves_on(self, task):
        """And another goes on at once where the kernel can be preempted."""
        super().bottom_halves_on(task)
        self.preempt_check(task)

    def preempt_check(self, task):
        if self.resched and self.given["preempt"] == "full" and not task.depth and not task.bh_off:
            self.schedule(True)

    def poll_in_task(self, task, queue, budget):
        """The driver's poll; returns what it took. Told with its budget."""
        given, work = queue.given, 0
        task.left = given["poll"]
        yield
        while queue.ring and work < budget:
            task.left = given["packet"]
            yield
            queue.latencies.append(self.now - queue.ring.pop(0))
            work += 1
        if work < budget and self.complete(queue, work):
            self.unmask(queue)
        self.emit(vocab.NAPI_POLL, napi_address(queue.number), work, budget)
        return work

    # Threads

    def thread_life(self, task, queue):
        while True:
            if queue.for_thread:
                yield from self.threaded_poll_loop(task, queue)
            else:
                task.awake = False
                self.schedule(False, state=1)
                yield

    def threaded_poll_loop(self, task, queue):
        weight, again = queue.given["weight"], True
        while again:
            task.bh_off += 1
            work = yield from self.poll_in_task(task, queue, weight)
            again = work == weight and self.polls_again(queue, work)
            self.bottom_halves_on(task)
            yield
            if again and self.resched:
                self.schedule(True)
            yield

    # Readers

    def reader_life(self, task, given, queue):
        taken = 0
        while True:
            task.kernel = True
            yield
            if len(queue.latencies) == taken:
                yield from self.busy_loop(task, given, queue, taken)
            task.kernel = False
            yield
            taken, task.left = len(queue.latencies), given["work"]
            yield

    def busy_loop(self, task, given, queue, taken):
        began = self.now // 1024

        def is_over():
            return len(queue.latencies) != taken or self.now // 1024 > began + given["usecs"]

        while True:
            owned, task.depth = False, task.depth + 1
            while True:
                owned = yield from self.busy_round(task, given, queue, owned)
                over = is_over()
                if over or self.resched:
                    break
                task.left = given["loop"]
                yield
            if owned:
                yield from self.stop(task, given, queue)
            task.depth -= 1
            self.preempt_check(task)
            yield
            if over:
                return
            if self.resched:
                self.schedule(True)
            yield
            if is_over():
                return

    def busy_round(self, task, given, queue, owned):
        task.bh_off += 1
        if not owned and queue.scheduled:
            queue.prefer |= given["prefer"]
        else:
            queue.scheduled = queue.busy = owned = True
            yield from self.poll_in_task(task, queue, given["budget"])
        self.bottom_halves_on(task)
        yield
        return owned

    def stop(self, task, given, queue):
        """busy_poll_stop."""
        queue.missed = queue.busy = timer = False
        task.bh_off += 1
        if given["prefer"]:
            queue.defer_left = queue.given["defer"]
            timer = bool(queue.given["defer"] and queue.given["flush"])
            queue.timer = self.now + queue.given["flush"] if timer else queue.timer
        work = yield from self.poll_in_task(task, queue, given["budget"])
        if work == given["budget"]:
            if timer:
                queue.scheduled = False
            else:
                self.join(queue)
        self.bottom_halves_on(task)
        yield


def poller_model_of(scenario):
    """The Builder of the same scenario, and its queues."""
    builder, queues = napi_model_of(scenario)
    for napi, given in zip(builder.napis, scenario["queues"], strict=True):
        if given["fifo"]:
            add_napi_thread(builder, napi, 0, given["fifo"])
    for number, given in enumerate(scenario["readers"]):
        queue, at = queues[given["queue"]], given["queue"]
        loop = builder.cost(given["loop"], f"loop {number}")
        reader = add_busy_reader(builder, builder.napis[at], queue + f.Q_DELIVERED, loop, given["usecs"], given["prefer"],
                                 given["budget"])  # fmt: skip
        body = [(ops.OP_SYSCALL, read_program(builder, reader)), (d.OP_READER_TAKE, reader), (ops.OP_SPEND_NS, given["work"])]
        builder.task("reader", 0, program(builder, *body, (ops.OP_JUMP, "start")), policy=f.FIFO, priority=given["priority"])
    return builder, queues
