"""Whether one thing (a tasklet, a work item) runs in two places at once. Called by: exclusion.py.

Two events of one time may stand in either order (text has microseconds), so an overlap counts once time has passed in it.
"""

from collections import namedtuple

from tophalf.compiled import compiled, compiled_lean

OPEN, CLOSE, RENEW = 1, 2, 3
NOWHERE = -1

# By step: role; what runs; the place where; time; whether knowledge ends here.
Steps = namedtuple("Steps", "role ident slot time_ns restart")

# By ident: where it runs and since which step; a second place and step; the place it ran in last; whether what carries
# this address may be another thing since the first was entered; epoch.
Things = namedtuple("Things", "first since second second_since last renewed epoch")

# By step: the step of the run it overlaps, or NOWHERE; whether it was judged.
Found = namedtuple("Found", "about judged")


@compiled
def find_overlaps(steps, things, found):
    """Walk all steps."""
    epoch = 0
    for step in range(len(steps.role)):
        if steps.restart[step]:
            epoch += 1
        ident = steps.ident[step]
        if things.epoch[ident] != epoch:
            things.epoch[ident] = epoch
            things.first[ident] = NOWHERE
            things.second[ident] = NOWHERE
            things.last[ident] = NOWHERE
            things.renewed[ident] = 0
        role = steps.role[step]
        if role == OPEN:
            enter(steps, things, found, step, ident)
        elif role == CLOSE:
            leave(steps, things, found, step, ident)
        else:
            things.renewed[ident] = 1


@compiled_lean
def enter(steps, things, found, step, ident):
    slot = steps.slot[step]
    if things.last[ident] != NOWHERE and things.last[ident] != slot:
        found.judged[step] = 1
    things.last[ident] = slot
    if things.first[ident] == NOWHERE or things.first[ident] == slot:
        things.first[ident] = slot
        things.since[ident] = step
        things.renewed[ident] = 0
    elif things.renewed[ident] == 0 and things.second[ident] == NOWHERE:
        things.second[ident] = slot
        things.second_since[ident] = step
    else:
        # Perhaps another thing at the address of one that was freed while it ran.
        things.first[ident] = slot
        things.since[ident] = step
        things.second[ident] = NOWHERE
        things.renewed[ident] = 0


@compiled_lean
def leave(steps, things, found, step, ident):
    slot = steps.slot[step]
    if things.first[ident] != slot:
        # The second run ended before the first: all of it lay inside.
        return
    if things.second[ident] != NOWHERE:
        second_since = things.second_since[ident]
        if steps.time_ns[step] > steps.time_ns[second_since]:
            found.about[second_since] = things.since[ident]
        things.since[ident] = second_since
    things.first[ident] = things.second[ident]
    things.second[ident] = NOWHERE
