"""`make fuzz`: spoilt input for every parser, for ten minutes. Anything but an answer or a TophalfError is a finding.

    bench/fuzz.py [--seconds N] [--seed N] [--only WORD] [--keep DIR]     run
    bench/fuzz.py --replay FILE                                          run one kept case again

Cases run in a child process, with a limit on time and memory a case, so that a crash, a hang and a bomb are findings too.
Compiled code runs with bounds checked. Exits with 1 when something was found.
"""

import argparse
import faulthandler
import json
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
KEEP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "build", "fuzz")
CASE_S_MAX = 20
MEMORY_BYTES_MAX = 4 << 30
BATCH_S = 20  # a child's life: what leaks is gone after it


class TooSlow(BaseException):
    """A case took longer than CASE_S_MAX."""


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", help="targets whose name has this word")
    options.add_argument("--keep", default=KEEP, help="where cases that were found go")
    options.add_argument("--replay", metavar="FILE")
    options.add_argument("--child", type=int, help=argparse.SUPPRESS)
    args = options.parse_args()
    os.makedirs(args.keep, exist_ok=True)
    if args.replay:
        return replay(args.replay)
    return child(args) if args.child is not None else parent(args)


def parent(args):
    """Start children until the time is over, and collect what they say."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": os.path.join(args.keep, "numba")}
    end, turn, cases, found = time.monotonic() + args.seconds, 0, {}, {}
    while time.monotonic() < end:
        command = [sys.executable, *sys.argv, "--child", str(args.seed * 100_000 + turn)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                _collect(json.loads(line), cases, found)
        if done.returncode:
            _collect(_crash(args, done), cases, found)
        turn += 1
    for name, count in sorted(cases.items()):
        print(f"{count:8d}  {name}")
    print(f"{sum(cases.values())} cases of {len(cases)} targets in {args.seconds:.0f} s: {len(found)} findings")
    return 1 if found else 0


def _collect(said, cases, found):
    for name, count in said.get("cases", {}).items():
        cases[name] = cases.get(name, 0) + count
    place = said.get("finding", "").rpartition(": ")[0] or said.get("finding")  # without the error's own words
    if place and place not in found:
        found[place] = said
        print(f"FOUND {said['finding']}\n      {said['case']}", flush=True)


def _crash(args, done):
    """A child that died: its last case is in the file `last`."""
    path = os.path.join(args.keep, f"crash-{abs(done.returncode)}-{time.time_ns()}")
    last = os.path.join(args.keep, "last")
    if os.path.exists(last):
        os.replace(last, path)
    tail = " | ".join(line for line in done.stderr.splitlines() if "File" in line)[:600] or done.stderr[-300:]
    return {"finding": f"the process ended with {done.returncode}: {tail}", "case": path}


def child(args):
    """Run cases of random targets for BATCH_S seconds; one JSON line a finding, and one with the counts."""
    faulthandler.enable()
    signal.signal(signal.SIGALRM, _too_slow)
    from fuzz_targets import all_targets

    targets = [target for name, target in all_targets().items() if args.only in name]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    rng, counts, end = random.Random(args.child), {}, time.monotonic() + BATCH_S
    while time.monotonic() < end:
        target = rng.choice(targets)
        case = target.make(rng)
        with open(os.path.join(args.keep, "last"), "wb") as file:
            pickle.dump((target.name, case), file)
        finding = run(target, case)
        counts[target.name] = counts.get(target.name, 0) + 1
        if finding:
            print(json.dumps({"finding": finding, "case": _keep(args, target, case, finding)}), flush=True)
    print(json.dumps({"cases": counts}), flush=True)
    return 0


def run(target, case):
    """What went wrong with a case, as one line; None when nothing did."""
    from tophalf.errors import TophalfError

    signal.setitimer(signal.ITIMER_REAL, CASE_S_MAX)
    try:
        target.run(case)
    except TophalfError as error:
        return f"{target.name}: the message has more than one line: {error.line()!r}"[:300] if "\n" in error.line() else None
    except (Exception, TooSlow) as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tophalf/" in frame.filename]
        place = f"{frames[-1].filename.rpartition('/tophalf/')[2]}:{frames[-1].lineno} {frames[-1].name}" if frames else "?"
        return f"{target.name}: {type(error).__name__} at {place}: {str(error)[:160].replace(': ', ' - ')}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _keep(args, target, case, finding):
    import hashlib

    place = finding.partition(" at ")[2].partition(": ")[0] or finding
    path = os.path.join(args.keep, f"{target.name}-{hashlib.sha1(place.encode()).hexdigest()[:8]}")
    if not os.path.exists(path):
        with open(path, "wb") as file:
            pickle.dump((target.name, case), file)
    return path


def _too_slow(*_):
    raise TooSlow(f"more than {CASE_S_MAX} s")


def replay(path):
    """Run a kept case with its traceback. The file must be one that this program wrote: it is a pickle."""
    from fuzz_targets import all_targets

    with open(path, "rb") as file:
        name, case = pickle.load(file)
    all_targets()[name].run(case)
    print("nothing went wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
