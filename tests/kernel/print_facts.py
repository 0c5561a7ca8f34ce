"""Runs in the guest: the facts that tophalf reads of the live machine, as JSON, and what it could not read."""

import json

from tophalf.host.door import open_machine
from tophalf.host.read import read_facts


def plain(record):
    """A frozen record as a dict of its fields."""
    return {name: getattr(record, name) for name in record.__slots__}


root = open_machine(None).moments[0][1]
facts = read_facts(root)
print(json.dumps({**plain(facts), "missing": root.missing}, default=plain))
