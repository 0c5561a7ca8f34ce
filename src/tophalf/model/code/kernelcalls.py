"""Calls of the kernel's API as instructions."""


def write_call(generator, writer, node, target):
    """The value of a call, its instructions written. Raises: TophalfError for what the model does not run yet."""
    return writer.refuse(node, f"the model does not run {node.func.id} yet", "leave it out")
