"""Doubly linked lists in circles: include/linux/list.h. A node, and the head of a list, are two words: the next, the one before.

A node that is in no list points to itself, as list_del_init leaves it.
"""

from tophalf.model.ground.jit import compiled


@compiled
def list_empty(m, head):
    """Whether a list has nothing in it, or a node is in no list."""
    return m[head] == head


@compiled
def list_add(m, node, after):
    """Put a node behind `after`: a node of a list, or its head."""
    following = m[after]
    m[node] = following
    m[node + 1] = after
    m[following + 1] = node
    m[after] = node


@compiled
def list_del_init(m, node):
    """Take a node out of its list, if it is in one."""
    following, before = m[node], m[node + 1]
    m[before] = following
    m[following + 1] = before
    m[node] = node
    m[node + 1] = node


@compiled
def list_add_tail(m, node, head):
    """Put a node at the end of a list, or before the node `head`; out of the list that it is in (list_move_tail)."""
    list_del_init(m, node)
    list_add(m, node, m[head + 1])
