"""The scenario in a driver's own file: the text that is called SCENARIO there."""

import ast

from tophalf.errors import TophalfError

NAME = "SCENARIO"


def scenario_text(text, label):
    """The TOML in a driver's text, its lines where they are in the file. Raises: TophalfError when there is none, or no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise TophalfError(f"not Python: {error}", label, "correct it") from None
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == NAME and isinstance(node.value.value, str):
            return "\n" * (node.value.lineno - 1) + node.value.value
    do = f'add {NAME} = """...""" with a [[driver]] in it, or name the file in a TOML scenario'
    raise TophalfError(f"the driver says nothing of a machine to run on: no {NAME}", label, do)
