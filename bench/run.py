"""`make bench`: every figure that tophalf promises, measured here and now, as ratios in one run.

Each bench module has `measure()`, which returns rows (figure, measured, limit or None, "<=" or ">=", remark). Name modules to
run only those. Exits with 1 when a figure misses its limit.
"""

import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
MODULES = ("startup", "counters", "trace", "model", "drivers", "recording")


def main(names):
    missed = 0
    for name in names or MODULES:
        for figure, measured, limit, sign, remark in importlib.import_module(name).measure():
            good = limit is None or (measured <= limit if sign == "<=" else measured >= limit)
            missed += not good
            wanted = f"{sign} {limit:g}" if limit is not None else "no limit"
            print(f"{'ok  ' if good else 'MISS'}  {measured:10.2f}  {wanted:>9}  {figure}  ({remark})", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
