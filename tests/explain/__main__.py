"""`make explain-proof`: a loop of 100 us planted in a handler, and services against themselves; counts what is named.

Each round measures four services together, of which two are the same as the baseline, so ten rounds are ten planted
loops and twenty comparisons of equals. Exit code 1: less was found, or more was called different, than is promised.
"""

import argparse
import sys

from explain.planted import PLANTED_SECONDS, explained

ROUNDS = 10
MOST_FALSE = 1 / 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often it is planted")
    rounds = parser.parse_args().rounds
    first = false = told = 0
    for seed in range(2 * rounds):
        if told == rounds:
            break
        found = explained({"old": 0.0, "same": 0.0, "also same": 0.0, "planted": PLANTED_SECONDS}, seed)
        if found.missing:
            sys.stdout.write(f"round {seed + 1}: not explained: {found.missing}\n")
            continue
        told += 1
        *equals, planted = found.candidates
        names = [change.name for change in planted.functions]
        first += names[:1] == ["discounted"]
        alarms = [f"{each.kind} {each.name}" for equal in equals for each in equal.changes if each.differs]
        false += sum(any(each.differs for each in equal.changes) for equal in equals)
        cost = ", ".join(f"{each.profiler_cpu:.2f}" for each in found.sampled)
        sys.stdout.write(f"round {seed + 1}: planted {names}, equals {alarms}; cores of py-spy {cost}\n")
        sys.stdout.flush()
    holds = told == rounds and first == rounds and false <= MOST_FALSE * 2 * rounds
    sys.stdout.write(f"{'holds' if holds else 'DOES NOT HOLD'}: planted is first {first} of {rounds} times, ")
    sys.stdout.write(f"{false} of {2 * told} comparisons of equals name anything\n")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
