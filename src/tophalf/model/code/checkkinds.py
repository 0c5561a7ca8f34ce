"""Kinds of what is found wrong while drivers run, by number. Their words are in `reports`, a file a range.

Below CHECKS_FROM: what ends the run (`crash`), numbered as the run's errors are.
"""

CHECKS_FROM = 32  # locks and contexts: `checks`
WATCHES_FROM = 64  # what takes too long or never ends
DEVICES_FROM = 88  # NAPI: `devicewords`
FACTS_FROM = 96  # no complaints by themselves: how locks are used, judged after the run
