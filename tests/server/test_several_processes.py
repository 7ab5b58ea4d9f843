"""Two server processes on one folder: what one stores the other knows, and killing one harms nobody. decisions/0019"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.server.patient import CLAIM, REPORT
from tests.server.two_servers import Pair, two_servers

AT_ONCE = 8

Answer = dict[str, Any] | None


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with two_servers(tmp_path_factory.mktemp("several")) as pair:
        yield pair


def at_once(work: Sequence[Callable[[], Answer]], meanwhile: Callable[[], None] = lambda: None) -> list[Answer]:
    """Results of *work*, done by many threads; *meanwhile* is done when a third of it has come back."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(one) for one in work]
        futures[len(futures) // 3].result()
        meanwhile()
        return [future.result() for future in futures]


def to(pair: Pair, number: int, path: str, body: dict[str, Any]) -> Callable[[], Answer]:
    return lambda: pair.servers[number].ask_if_alive(path, body)


def words(answers: Sequence[Answer]) -> list[str]:
    return sorted("gone" if answer is None else str(answer.get("error", "ok")) for answer in answers)


def test_reports_through_both_processes_are_all_stored_once(pair: Pair) -> None:
    patients = [pair.patient(14) for _ in range(24)]
    work = [to(pair, number % 2, REPORT, pair.report(patient)) for number, patient in enumerate(patients)]
    assert words(at_once(work)) == ["ok"] * 24
    stored = pair.stored()
    assert {stored.count(data) for patient in patients for data in patient.datas} == {1}


def test_one_token_sent_to_both_processes_at_once_is_spent_once(pair: Pair) -> None:
    patients = [pair.patient(3) for _ in range(8)]
    bodies = [pair.report(patient) for patient in patients]
    work = [to(pair, number % 2, REPORT, body) for body in bodies for number in range(4)]
    assert words(at_once(work)) == ["ok"] * 8 + ["token_spent"] * 24
    stored = pair.stored()
    assert {stored.count(data) for patient in patients for data in patient.datas} == {1}


def test_keys_reported_to_one_process_are_known_to_the_other(pair: Pair) -> None:
    first = pair.patient(3)
    assert pair.servers[0].ask(REPORT, pair.report(first)) == {"ok": True}
    second = pair.patient(3)
    second.keys = first.keys
    assert pair.servers[1].ask(REPORT, pair.report(second)) == {"ok": False, "error": "bad_token"}
    assert pair.servers[1].ask(REPORT, pair.report(first)) == {"ok": False, "error": "token_spent"}


def test_many_claims_with_one_code_at_both_processes_yield_one_signature(pair: Pair) -> None:
    code = pair.servers[0].code(pair.desk_key)
    bodies = [pair.claim(code, os.urandom(32))[1] for _ in range(10)]
    answers = at_once([to(pair, number, CLAIM, body) for body in bodies for number in (0, 1)] * 2)
    granted = [answer["signature"] for answer in answers if answer and answer["ok"]]
    assert len(set(granted)) == 1
    assert len(granted) == 4  # one message, twice at each of the two
    assert words(answers) == ["ok"] * 4 + ["other_message"] * 36


def test_a_process_killed_amid_claims_never_lets_a_code_yield_two_signatures(pair: Pair) -> None:
    first, second = pair.servers
    codes = [first.code(pair.desk_key) for _ in range(30)]
    bodies = {code: [pair.claim(code, os.urandom(32))[1] for _ in range(3)] for code in codes}
    asked = [(code, body, number) for code in codes for body in bodies[code] for number in (0, 1)]
    answers = at_once([to(pair, number, CLAIM, body) for _code, body, number in asked], first.kill)
    assert "gone" in words(answers)
    seen: dict[str, set[bytes]] = {code: set() for code in codes}

    def look(answers: Sequence[Answer]) -> None:
        for (code, _body, _number), answer in zip(asked, answers, strict=True):
            if answer and answer["ok"]:
                seen[code].add(answer["signature"])

    look(answers)
    # Whoever was not answered asks the process that is left, then the one that came back.
    look(at_once([to(pair, 1, CLAIM, body) for _code, body, _number in asked]))
    first.start()
    first.wait_until_ready()
    look(at_once([to(pair, 0, CLAIM, body) for _code, body, _number in asked]))
    assert {len(signatures) for signatures in seen.values()} == {1}
    # Also when what is left is killed and both ask once more.
    second.kill()
    second.start()
    second.wait_until_ready()
    look(at_once([to(pair, number, CLAIM, body) for _code, body, number in asked]))
    assert {len(signatures) for signatures in seen.values()} == {1}


def test_a_process_killed_amid_reports_loses_none_that_was_granted_and_the_other_goes_on(pair: Pair) -> None:
    patients = [pair.patient(14) for _ in range(30)]
    bodies = [pair.report(patient) for patient in patients]
    work = [to(pair, number % 2, REPORT, body) for number, body in enumerate(bodies)]
    answers = at_once(work, pair.servers[1].kill)
    stored = pair.stored()
    for patient, answer in zip(patients, answers, strict=True):
        counts = {stored.count(data) for data in patient.datas}
        # Granted: all of it is there. Not answered: all of it or nothing.
        assert counts == {1} if answer == {"ok": True} else counts in ({0}, {1})
    again = at_once([to(pair, 0, REPORT, body) for body in bodies])
    for answer, second in zip(answers, again, strict=True):
        assert second in ({"ok": True}, {"ok": False, "error": "token_spent"})
        assert answer is None or second == {"ok": False, "error": "token_spent"}
    stored = pair.stored()
    assert {stored.count(data) for patient in patients for data in patient.datas} == {1}
    assert pair.servers[0].get("/published/head")
    pair.servers[1].start()
    pair.servers[1].wait_until_ready()
    assert pair.servers[1].get("/published/head") == pair.servers[0].get("/published/head")
