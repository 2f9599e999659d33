#!/usr/bin/env python3
"""Lane tokens per second of `nibble bench train` against another program's, in the same minutes.

  bench/trainer_ratio.py --nibble build/release/nibble --case es --set train.batch=128 \\
      --other './other es --threads 1' --pattern 'ktok/s=([0-9.]+)' --unit 1000

The two take turns. The other program is run as it is given, model and length of run included; its
figure is the last match of the pattern in its output, times the unit. Both must count every lane of
every token once, and the clean pass as one lane.
"""

import argparse
import json
import re
import shlex
import statistics
import subprocess


def ours(args) -> float:
    command = [args.nibble, "bench", "train", "--case", args.case, "--json",
               "--threads", str(args.threads), "--seconds", str(args.seconds)]
    for assignment in args.set:
        command += ["--set", assignment]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(run.stdout)["lane_tokens_per_s"]


def theirs(args) -> float:
    run = subprocess.run(shlex.split(args.other), check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    found = re.findall(args.pattern, run.stdout)
    if not found:
        raise SystemExit(f"the other program printed nothing that matches {args.pattern!r}")
    return float(found[-1]) * args.unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nibble", default="build/release/nibble")
    parser.add_argument("--case", default="small")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--other", required=True, help="a command line")
    parser.add_argument("--pattern", default=r"([0-9.]+)", help="with one group")
    parser.add_argument("--unit", type=float, default=1)
    args = parser.parse_args()
    pairs = []
    for _ in range(args.rounds):
        pairs.append((ours(args), theirs(args)))
        print(f"{pairs[-1][0] / 1e6:.3f} M against {pairs[-1][1] / 1e6:.3f} M lane tokens/s, "
              f"ratio {pairs[-1][0] / pairs[-1][1]:.2f}", flush=True)
    ratios = sorted(a / b for a, b in pairs)
    print(f"ratio {statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}] over "
          f"{len(ratios)} rounds, case {args.case}, {args.threads} threads")


if __name__ == "__main__":
    main()
