"""How often a work item may still start: once for each time it was queued.

A work item is in one of three states that matter: not queued; pending; claimed by a worker, which has cleared the pending
bit, but whose start has not been traced yet. It can be pending and claimed at once. `credit` is how many of the two it is:
queueing adds one, claiming moves, starting takes one. At the beginning of a trace it is unknown. It is known to be 0 after
a start whose worker claimed the item after it was queued last: after the worker had ended its previous item, or had slept
idle. Source: kernel/workqueue.c process_one_work(), __queue_work(). Called by: works.py.
"""

from collections import namedtuple

from tophalf.compiled import compiled, compiled_lean

QUEUE, START, END, OUT, IN = 1, 2, 3, 4, 5
UNKNOWN = -1
NEVER = -1
CREDIT_MAX = 2  # pending and claimed; cancelling takes a credit without an event, so the true one may be lower

# By step: role; item; worker; time; for OUT whether the worker slept; whether knowledge ends here.
Steps = namedtuple("Steps", "role ident worker time_ns sleeps restart")

# By item: credit, the step it was queued last, a start without credit that a queueing of the same time may yet excuse;
# epoch.
Items = namedtuple("Items", "credit queued unpaid epoch")

# By worker: the last step before which it surely had not claimed its next item; whether it is idle (an item ended and none
# began), whether it sleeps idle; epoch.
Workers = namedtuple("Workers", "unclaimed idle sleeps epoch")

# By step: whether it is a start that nothing queued, whether it was judged.
Found = namedtuple("Found", "code judged")


@compiled
def balance(steps, items, workers, found):
    """Walk all steps."""
    epoch = 0
    for step in range(len(steps.role)):
        if steps.restart[step]:
            epoch += 1
        role = steps.role[step]
        worker = steps.worker[step]
        renew(workers, worker, epoch)
        if role == OUT:
            workers.sleeps[worker] = workers.idle[worker] and steps.sleeps[step]
        elif role == IN:
            if workers.sleeps[worker]:
                workers.unclaimed[worker] = step
            workers.sleeps[worker] = 0
        else:
            ident = steps.ident[step]
            if items.epoch[ident] != epoch:
                items.epoch[ident] = epoch
                items.credit[ident] = UNKNOWN
                items.queued[ident] = NEVER
                items.unpaid[ident] = NEVER
            if role == QUEUE:
                queue(steps, items, found, step, ident)
            elif role == START:
                start(steps, items, workers, found, step, ident)
            else:
                workers.unclaimed[worker] = step
                workers.idle[worker] = 1


@compiled_lean
def renew(workers, worker, epoch):
    if workers.epoch[worker] != epoch:
        workers.epoch[worker] = epoch
        workers.unclaimed[worker] = NEVER
        workers.idle[worker] = 0
        workers.sleeps[worker] = 0


@compiled_lean
def queue(steps, items, found, step, ident):
    unpaid = items.unpaid[ident]
    if unpaid != NEVER and steps.time_ns[unpaid] == steps.time_ns[step]:
        # Same time: the order of the two rows means nothing.
        found.code[unpaid] = 0
    elif items.credit[ident] != UNKNOWN:
        items.credit[ident] = min(items.credit[ident] + 1, CREDIT_MAX)
    items.unpaid[ident] = NEVER
    items.queued[ident] = step


@compiled_lean
def start(steps, items, workers, found, step, ident):
    worker = steps.worker[step]
    credit = items.credit[ident]
    items.unpaid[ident] = NEVER
    if credit != UNKNOWN:
        found.judged[step] = 1
        if credit == 0:
            found.code[step] = 1
            items.unpaid[ident] = step
        else:
            items.credit[ident] = credit - 1
    queued = items.queued[ident]
    if queued != NEVER and queued < workers.unclaimed[worker]:
        items.credit[ident] = 0
    workers.unclaimed[worker] = NEVER
    workers.idle[worker] = 0
    workers.sleeps[worker] = 0
