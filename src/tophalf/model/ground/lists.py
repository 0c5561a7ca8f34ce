"""Lists linked through a field of what is in them, with a word for the first and one for the last."""

from tophalf.model.ground.jit import compiled


@compiled
def append(m, head, tail, item, following):
    """Put `item` at the end. head, tail: where the first and the last stand; following: the field that links them."""
    m[item + following] = 0
    if m[head]:
        m[m[tail] + following] = item
    else:
        m[head] = item
    m[tail] = item


@compiled
def unlink(m, link, item, following):
    """Take `item`, which is in it, out of a list without a last one. link: where the first stands; following: what links them."""
    while m[link] != item:
        link = m[link] + following
    m[link] = m[item + following]
