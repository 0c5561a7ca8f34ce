"""Maps of locks and of what is waited for, by class: what lockdep tells apart and holds in one (struct lockdep_map).

A class is the attribute of a driver's file, whatever the device, as the kernel's is the place where a lock is initialised; a line
is one by its number. Maps are made when a call or an entry first needs them.
"""

from tophalf.driver.roles import kernel_calls
from tophalf.model.check.checkfields import MAP_CLASS, MAP_SIZE
from tophalf.model.code.objects import Object

LOCKS = ("spinlock", "mutex", "rwlock")
# What waits until something is over, by what that is
WAITING = {
    "irq": ("free_irq", "synchronize_irq", "disable_irq"),
    "work": ("flush_work", "cancel_work_sync", "flush_delayed_work", "cancel_delayed_work_sync"),
    "workqueue": ("flush_workqueue", "drain_workqueue", "destroy_workqueue"),
    "tasklet": ("tasklet_kill", "tasklet_disable"),
    "timer": ("timer_delete_sync",),
    "hrtimer": ("hrtimer_cancel",),
    "napi": ("napi_disable",),
}
CLASS_NAMES = {"work": "(work_completion){}", "workqueue": "(wq_completion){}", "tasklet": "tasklet {}", "timer": "(timer){}",
               "hrtimer": "(hrtimer){}", "napi": "napi {}"}  # fmt: skip


def waits_of(driver):
    """Which of WAITING a driver does anywhere."""
    called = {call.func.id for call in kernel_calls(driver)}
    return {kind for kind, names in WAITING.items() if called & set(names)}


def map_of_object(generator, value):
    """The map of a lock, a work, a tasklet, ...: its address."""
    kind = _kind(value)
    key = ("", value.address) if kind == "workqueue" else (generator.driver.path, id(value))  # drivers share the kernel's queues
    return _map(generator, key, (key[0], CLASS_NAMES.get(kind, "{}").format(value.name)), value)


def _kind(value):
    return "work" if value.kind == "delayed_work" else value.kind


def map_of_line(generator, number):
    return _map(generator, ("", f"IRQ {number}"), ("", f"IRQ {number}"))


def map_of_entry(generator, arguments):
    """That of what the kernel calls a function for, where the driver waits for such things anywhere; else 0."""
    first = arguments[0] if arguments else None
    if isinstance(first, int) and "irq" in generator.waits:
        return map_of_line(generator, first)
    if not isinstance(first, Object) or _kind(first) not in generator.waits | _as_work(generator.waits):
        return 0
    return map_of_object(generator, first)


def _as_work(waits):
    """Who flushes a workqueue waits for works."""
    return {"work"} if "workqueue" in waits else set()


def _map(generator, key, lock_class, value=None):
    builder, maps = generator.builder, generator.builder.lock_maps
    if key not in maps:
        address = maps[key] = builder.memory.take(MAP_SIZE)
        builder.memory[address + MAP_CLASS] = builder.lock_classes.setdefault(lock_class, len(builder.lock_classes) + 1)
        has_device = value is not None and value.device is not None
        name = CLASS_NAMES.get(_kind(value), "{}").format(f"{value.device.name}.{value.name}") if has_device else lock_class[1]
        builder.lock_names[address] = name
        if value is not None and value.kind == "workqueue":
            builder.queue_maps.append((value.address, address))
    return maps[key]
