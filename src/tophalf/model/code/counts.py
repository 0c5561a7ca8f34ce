"""What a run came to for each device of a driver in Python: its own counts, and the numbers that the driver keeps in it."""

from tophalf.model import fields as f
from tophalf.model.code import codefields as k
from tophalf.vocab import human_count

COUNTS = {"arrived": k.R_ARRIVED, "dropped": k.R_DROPPED, "waiting": k.R_WAITS}
OPERATIONS = {"started": k.R_STARTED, "completed": k.R_COMPLETED, "refused": k.R_REFUSED}


def driver_counts(world):
    """[{name, irq, arrived, dropped, waiting, operations, napi, numbers}], in the order of the scenario (docs/json.md)."""
    return [_of(world.memory, world.builder, device) for device in world.builder.coded]


def _of(m, builder, device):
    counts, operations = ({name: int(m[device.registers + word]) for name, word in of.items()} for of in (COUNTS, OPERATIONS))
    napis = [each.address for each in device.objects.values() if each.kind == "napi"]
    polls = {"polls": sum(int(m[napi + f.N_POLLS]) for napi in napis), "work": sum(int(m[napi + f.N_PACKETS]) for napi in napis)}
    numbers = {name: int(m[address]) for name, address in device.words.items()}
    for name, each in device.objects.items():
        if each.kind in ("atomic", "percpu"):
            size = len(builder.cpus) if each.kind == "percpu" else 1
            numbers[name] = sum(int(word) for word in m[each.address : each.address + size])
    return {"name": device.name, "irq": device.number, **counts, "operations": operations, "napi": polls,
            "numbers": dict(sorted(numbers.items()))}  # fmt: skip


def told(found):
    """What the device has done, in words. found: of one, as driver_counts has it."""
    texts = [f"{human_count(found['arrived'])} arrived", f"{human_count(found['dropped'])} dropped"]
    if found["operations"]["started"]:
        texts.append(f"{human_count(found['operations']['completed'])} operations complete")
    if found["napi"]["polls"]:
        texts.append(f"{human_count(found['napi']['polls'])} NAPI polls")
    return ", ".join(texts)


def digested(found):
    """The same as a list of integers and names, for the digest of a run."""
    return [[each["name"], *(each[name] for name in COUNTS), *each["operations"].values(), *each["napi"].values(),
             list(each["numbers"].items())] for each in found]  # fmt: skip
