"""Work that frees memory waits for work that has no rescuer."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def clean(w):
    dev = container_of(w)
    dev.count += 1
    flush_work(dev.log)  # BUG reclaim


def note(w):
    dev = container_of(w)
    dev.notes += 1


def probe(dev):
    dev.reclaim = alloc_workqueue("reclaim", WQ_MEM_RECLAIM, 1)
    dev.notes_wq = alloc_workqueue("notes", 0, 1)
    INIT_WORK(dev.clean, clean)
    INIT_WORK(dev.log, note)
    queue_work(dev.reclaim, dev.clean)
    queue_work(dev.notes_wq, dev.log)
