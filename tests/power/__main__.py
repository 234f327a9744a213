"""Cut the power many times: ``python -m tests.power --cuts 300 --seed 1``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.power.cuts import (
    Barriers,
    Outcome,
    cut,
    fsyncs_per_message,
    recordings,
    temporary_folder,
)
from tests.power.recording import compiler

RECORDINGS = 4


def main() -> int:
    """Run the command; 1 if a promise was broken."""
    options = _options()
    if compiler() is None:
        print("this needs Linux and a C compiler that is called cc", file=sys.stderr)
        return 2
    outcome, syncs = Outcome(), []
    with temporary_folder() as folder:
        made = recordings(
            Path(folder), seed=options.seed, count=RECORDINGS, encryption=options.encryption
        )
        for n, recording in enumerate(made):
            seed = options.seed + n
            syncs.append(fsyncs_per_message(recording))
            count = len(range(n, options.cuts, RECORDINGS))
            for one in cut(recording, count, seed=seed, barriers=Barriers(options.barriers)):
                outcome.cuts.append(one)
                for fault in one.faults if options.verbose else one.faults[:1]:
                    print(
                        f"seed {seed}, cut at {one.place}, {one.way}: {fault.kind}: {fault.words}"
                    )
    figures = {**outcome.figures(), "fsyncs_per_message": round(sum(syncs) / len(syncs), 2)}
    if options.json:
        print(json.dumps(figures))
    else:
        print("  ".join(f"{name} {value}" for name, value in figures.items()))
    return int(any(one.faults for one in outcome.cuts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.power", description=__doc__)
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object of the figures last")
    parser.add_argument(
        "--encryption",
        action="store_true",
        help="encrypt the databases between two starts, or decrypt them",
    )
    parser.add_argument("--verbose", action="store_true", help="print every broken promise")
    parser.add_argument(
        "--no-barriers",
        dest="barriers",
        action="store_const",
        const="none",
        default="all",
        help="let the disk obey no sync, which must break promises",
    )
    parser.add_argument(
        "--only-checkpoints",
        dest="barriers",
        action="store_const",
        const="checkpoints",
        help="let the disk obey only the syncs that SQLite makes by itself",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
