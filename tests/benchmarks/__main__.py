"""`make bench`: prints figures of this machine, judges nothing. specs/README.md lists them."""

import os
import platform

from tests.benchmarks import (
    catch_up,
    evidence,
    idle,
    matching,
    own_day,
    protocol,
    publishing,
    reports,
    response_times,
    witness,
)


def main() -> None:
    """Run everything once, in one process after the other."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; median (slowest - fastest) of several runs")
    protocol.matching()
    protocol.key_files()
    matching.day_of_a_city()
    evidence.windows()
    evidence.decisions()
    evidence.proofs()
    evidence.notices()
    protocol.codes()
    evidence.certificates()
    reports.reports()
    response_times.response_times()
    publishing.publishing()
    witness.cosignatures()
    catch_up.catching_up()
    own_day.own_day()
    idle.idle()


if __name__ == "__main__":
    main()
