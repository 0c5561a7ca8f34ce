"""irqbalance's rule: which interrupts leave an object that does more than the least busy one, and where those go that wait.

irqlist.c update_migration_status, migrate_overloaded_irqs, move_candidate_irqs; placement.c. An interrupt leaves only where another
is beside it, and only if that does not turn the imbalance round. Power mode and --migrateval are off, as by default.
"""

from tophalf.model.balancer.tree import (
    BALANCE_CACHE,
    BALANCE_CORE,
    BALANCE_NONE,
    BALANCE_PACKAGE,
    CACHE,
    CPU,
    NODE,
    PACKAGE,
    UNLIMITED,
)

ENDS_AT = {NODE: BALANCE_NONE, PACKAGE: BALANCE_PACKAGE, CACHE: BALANCE_CACHE, CPU: BALANCE_CORE}


def migrate(tree, one, source, target):
    """migrate_irq_obj: from an object, None for the waiting list, to another or the list."""
    source = source or one.where
    members = source.interrupts if source else tree.waiting
    if one not in members:
        return
    members.remove(one)
    (target.interrupts if target else tree.waiting).append(one)
    one.moved = True
    if source and source.slots_left != UNLIMITED:
        source.slots_left += 1
    if target:
        target.slots_left -= target.slots_left != UNLIMITED
        target.load += one.load + 1
    one.where = target


def force_rebalance(tree, one):
    """Have an interrupt placed anew."""
    if one.level == BALANCE_NONE:
        return
    if one.where is None:
        tree.waiting.append(one)
    else:
        migrate(tree, one, one.where, None)


def update_migration_status(tree):
    """On each level, interrupts of objects above the least busy one."""
    for objects in tree.kinds():
        least = min((each.load for each in objects), default=0)
        for each in objects:
            if each.load > least and len(each.interrupts) > 1:
                least = _thin_out(tree, each, least)


def _thin_out(tree, each, least):
    """Heaviest first, as long as what remains is not less than the least busy one gets. Returns what that has then."""
    each.interrupts.sort(key=lambda one: one.rank)
    rest = each.load
    for one in list(each.interrupts):
        if one.level == BALANCE_NONE or len(each.interrupts) <= 1 or one.load <= 1 or least + one.load >= rest - one.load:
            continue
        rest -= one.load
        least = min(least + one.load, rest)
        force_rebalance(tree, one)
    return least


def calculate_placement(tree, banned):
    """All that wait go to their node, and from there down to the least loaded object on each level. banned: whether CPUs are."""
    tree.waiting.sort(key=lambda one: one.rank)
    if not tree.waiting:
        return
    for one in list(tree.waiting):
        _place_in_node(tree, one, banned)
    for objects in (tree.nodes, tree.packages, tree.caches):
        for each in objects:
            for one in list(each.interrupts):
                if one.moved and one.level != ENDS_AT[each.kind]:
                    best = _best(each.children)
                    if best:
                        migrate(tree, one, each, best)


def _place_in_node(tree, one, banned):
    if one.level == BALANCE_NONE and not banned:
        return
    if one.node and one.node.cpus & tree.free:
        migrate(tree, one, None, one.node)
        return
    best = _best(node for node in tree.nodes if node.cpus & tree.free)
    if best:
        migrate(tree, one, None, best)


def _best(objects):
    """find_best_object: the least load, of equals the fewest interrupts, of those the first."""
    fits = [each for each in objects if each.slots_left > 0]
    return min(fits, key=lambda each: (each.load, len(each.interrupts)), default=None)
