"""Masks of managed interrupts: all CPUs shared out evenly, each CPU in one mask.

kernel/irq/affinity.c irq_create_affinity_masks, lib/group_cpus.c group_cpus_evenly, lib/sort.c (6.12: a heap sort, which
turns equals round). Left out: 6.1's sort, which puts three or more equal nodes in another order; sets of vectors (calc_sets), of
which NVMe has one for reads.
"""


def irq_create_affinity_masks(count, spread, default, before=0, after=0):
    """[(CPUs, whether managed)] of `count` vectors. spread(n): masks of n groups; default: CPUs of those `before` and `after`."""
    managed = max(count - before - after, 0)
    free = [(tuple(default), False)]
    return (free * before + [(mask, True) for mask in (spread(managed) if managed else ())] + free * after)[:count]


def group_cpus_evenly(groups, node_of, siblings, present=None):
    """A tuple of CPUs for each of `groups`: present ones first, then those that may come.

    node_of: {possible CPU: node}; siblings: {CPU: CPUs of its core}; present: CPUs that are there, None for all.
    """
    masks = [set() for _ in range(groups)]
    here = set(node_of) if present is None else set(present)
    done = _spread(masks, 0, here, node_of, siblings)
    _spread(masks, 0 if done >= groups else done, set(node_of) - here, node_of, siblings)
    return [tuple(sorted(mask)) for mask in masks]


def _spread(masks, first, cpus, node_of, siblings):
    """__group_cpus_evenly: `cpus` into masks from the one with number `first` on, round. Returns how many were filled."""
    nodes = {}
    for cpu in sorted(cpus):
        nodes.setdefault(node_of[cpu], []).append(cpu)
    if not cpus:
        return 0
    if len(masks) <= len(nodes):
        for place, node in enumerate(sorted(nodes)):
            masks[(first + place) % len(masks)].update(nodes[node])
        return len(masks)
    done = 0
    for node, groups in _groups_of_nodes(len(masks), {node: len(nodes[node]) for node in nodes}, max(node_of.values()) + 1):
        for part in _parts(nodes[node], groups, siblings):
            masks[(first + done) % len(masks)].update(part)
            done += 1
    return done


def _groups_of_nodes(groups, sizes, node_ids):
    """alloc_nodes_groups: [(node, groups)], by share of the CPUs that are left, the smallest node first."""
    left, found = sum(sizes.values()), []
    groups = min(groups, left)
    for node in kernel_sort(range(node_ids), lambda node: sizes.get(node, -1)):  # UINT_MAX, compared as an int
        if node in sizes:
            share = max(groups * sizes[node] // left, 1)
            found.append((node, share))
            left -= sizes[node]
            groups -= share
    return found


def _parts(cpus, groups, siblings):
    """A node's CPUs in `groups` parts, the first ones larger by one where they do not come out even; cores stay together."""
    left, (each, extra) = list(cpus), divmod(len(cpus), groups)
    for at in range(groups):
        part, size = [], each + (at < extra)
        while len(part) < size:
            core = [left[0], *(cpu for cpu in siblings[left[0]] if cpu in left[1:])]
            part += core[: size - len(part)]
            left = [cpu for cpu in left if cpu not in part]
        yield part


def kernel_sort(items, key):
    """lib/sort.c sort(): a heap sort from the bottom up."""
    items = list(items)

    def compare(one, other):
        return key(items[one]) - key(items[other])

    end, top, second = len(items), len(items) // 2, 0
    while top or end > 3:
        if top:
            top -= 1 << second
        else:  # the two largest
            end -= 1
            items[0], items[end] = items[end], items[0]
            second = int(compare(1, 2) <= 0)
            top = 1 << second
            end -= 1
            items[top], items[end] = items[end], items[top]
        _sift(items, top, end, compare)
    if end >= 2:
        end -= 1
        items[0], items[end] = items[end], items[0]
        if end == 2 and compare(0, 1) > 0:
            items[0], items[1] = items[1], items[0]
    return items


def _sift(items, top, end, compare):
    at = top
    while 2 * at + 2 < end:
        at = 2 * at + 1 if compare(2 * at + 1, 2 * at + 2) > 0 else 2 * at + 2
    if 2 * at + 2 == end:  # a last leaf without a sibling
        at = 2 * at + 1
    while at != top and compare(top, at) >= 0:
        at = (at - 1) // 2
    place = at
    while at != top:
        at = (at - 1) // 2
        items[at], items[place] = items[place], items[at]
