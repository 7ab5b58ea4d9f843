"""`make fuzz`: runs every target for a bounded time, each in a process of its own.

    python -m tests.fuzz [--seconds 20] [TARGET...]

New inputs that reach new code are kept in out/fuzz/<target>, so that the next run goes on from there; an input that
breaks a target is kept beside them, and the exit status is 1.
"""

import argparse
import importlib.util
import re
import subprocess
import sys

from tests.fuzz.targets import TARGETS
from tests.shared import ROOT

FOLDER = ROOT / "out" / "fuzz"


def main() -> int:
    """Run the chosen targets, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=20, help="time for each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one or more of: {', '.join(sorted(TARGETS))}")
    options = parser.parse_args()
    unknown = set(options.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if importlib.util.find_spec("atheris") is None:
        print("coverage-guided fuzzing needs atheris, which comes for Linux on x86-64 with Python 3.11 to 3.13")
        return 2
    chosen = options.targets or sorted(TARGETS)
    failed = [name for name in chosen if not fuzz(name, options.seconds)]
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}")
    return 1 if failed else 0


def fuzz(name: str, seconds: int) -> bool:
    """Whether the target *name* survived *seconds* of fuzzing. Its last lines are printed when it did not."""
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    command = [sys.executable, "-m", "tests.fuzz.run", name, f"-max_total_time={seconds}", "-timeout=10"]
    limits = ["-rss_limit_mb=2048", "-max_len=40000", f"-artifact_prefix={corpus}-broken-", str(corpus)]
    done = subprocess.run([*command, *limits], cwd=ROOT, capture_output=True, text=True, check=False)
    told = done.stderr.splitlines() + done.stdout.splitlines()
    print(f"{name:<24}{'ok' if done.returncode == 0 else 'BROKEN'}  {_figures(done.stderr)}", flush=True)
    if done.returncode:
        print("\n".join(told[-40:]))
    return done.returncode == 0


def _figures(told: str) -> str:
    """The fuzzer's own last figures: edges of code that were reached, and how many inputs were tried."""
    reached = re.findall(r"cov: (\d+)", told)
    tried = re.findall(r"Done (\d+) runs", told)
    return f"{int((tried or [0])[-1]):>12,} inputs {int((reached or [0])[-1]):>7,} edges"


if __name__ == "__main__":
    sys.exit(main())
