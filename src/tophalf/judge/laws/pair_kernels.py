"""Entry and exit events as stacks, one for each slot (a CPU, a task): one walk, for handlers, softirqs, tasklets, work items.

A frame belongs to the context level of its entry. An event of a lower level in the same slot shows that the frame is gone.
Called by: pairs.py.
"""

from collections import namedtuple

from tophalf.compiled import compiled, compiled_lean

DEPTH = 8  # frames a slot can hold; deeper is a violation of any nesting there is

OPEN, CLOSE = 1, 2
NESTED, MISMATCH, UNOPENED, LEFT_OPEN = 1, 2, 3, 4
NOTHING_OPEN, UNKNOWN = -1, -2
NEVER = 99  # above every level

# By step: role OPEN, CLOSE or 0; slot; what is opened; context level; whether knowledge of this domain of slots ends here.
Steps = namedtuple("Steps", "role slot ident level domain restart")

# By slot and depth: what is open, the step that opened it, its level. By slot: depth, the lowest level from which it is
# known that nothing was open, the domain's epoch when last touched. By domain: epoch.
Stacks = namedtuple("Stacks", "ident step level depth empty_below seen_epoch epoch")

# By step: what is wrong; the step of the entry that a violation or an exit is about; whether it was judged; what is
# innermost afterwards.
Found = namedtuple("Found", "code about judged inner")


@compiled
def match_pairs(steps, stacks, found, nests):
    """Walk all steps. nests: 1 where frames of different idents may nest."""
    for step in range(len(steps.role)):
        slot = steps.slot[step]
        domain = steps.domain[step]
        if steps.restart[step]:
            stacks.epoch[domain] += 1
        if stacks.seen_epoch[slot] != stacks.epoch[domain]:
            forget(stacks, slot, stacks.epoch[domain])
        leave_levels(steps, stacks, found, step, slot)
        if steps.role[step] == OPEN:
            enter(steps, stacks, found, step, slot, nests)
        elif steps.role[step] == CLOSE:
            close(steps, stacks, found, step, slot, nests)
        found.inner[step] = innermost(stacks, slot)


@compiled_lean
def forget(stacks, slot, epoch):
    stacks.depth[slot] = 0
    stacks.empty_below[slot] = NEVER
    stacks.seen_epoch[slot] = epoch


@compiled_lean
def innermost(stacks, slot):
    depth = stacks.depth[slot]
    if depth > 0:
        return stacks.ident[slot * DEPTH + depth - 1]
    return UNKNOWN if stacks.empty_below[slot] > 0 else NOTHING_OPEN


@compiled_lean
def leave_levels(steps, stacks, found, step, slot):
    """Frames of a level above this event's are gone: those that never closed were left open."""
    level = steps.level[step]
    while stacks.depth[slot] > 0 and stacks.level[slot * DEPTH + stacks.depth[slot] - 1] > level:
        stacks.depth[slot] -= 1
        found.code[step] = LEFT_OPEN
        found.about[step] = stacks.step[slot * DEPTH + stacks.depth[slot]]
    if level < stacks.empty_below[slot]:
        stacks.empty_below[slot] = level


@compiled_lean
def enter(steps, stacks, found, step, slot, nests):
    ident = steps.ident[step]
    found.judged[step] = 1
    for depth in range(stacks.depth[slot]):
        at = slot * DEPTH + depth
        if nests and stacks.ident[at] != ident:
            continue
        found.code[step] = NESTED
        found.about[step] = stacks.step[at]
    if found.code[step] == NESTED or stacks.depth[slot] == DEPTH:
        stacks.depth[slot] = 0
    at = slot * DEPTH + stacks.depth[slot]
    stacks.ident[at] = ident
    stacks.step[at] = step
    stacks.level[at] = steps.level[step]
    stacks.depth[slot] += 1


@compiled_lean
def close(steps, stacks, found, step, slot, nests):
    if stacks.depth[slot] > 0:
        found.judged[step] = 1
        stacks.depth[slot] -= 1
        at = slot * DEPTH + stacks.depth[slot]
        found.about[step] = stacks.step[at]
        if stacks.ident[at] != steps.ident[step]:
            found.code[step] = MISMATCH
            forget(stacks, slot, stacks.seen_epoch[slot])
            return
    elif stacks.empty_below[slot] < steps.level[step]:
        found.judged[step] = 1
        if found.code[step] == 0:
            found.code[step] = UNOPENED
    if not nests:
        # Nothing encloses a frame that cannot nest, so now the slot is empty for certain.
        stacks.empty_below[slot] = -1
