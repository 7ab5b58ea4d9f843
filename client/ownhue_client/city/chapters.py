"""The chapters of the demo about people and their colours. The gate's are in gate_chapters.py."""

import shutil
from collections import Counter
from collections.abc import Callable

from rich.table import Table

from ownhue.colour import Colour, WhyNot
from ownhue.journal import verify_chain
from ownhue.params import FRAME_BYTES, ReportType
from ownhue.region import region_bytes
from ownhue_client.city.stage import PADDING, PEOPLE, Stage
from ownhue_client.phone import RefusedError


def everybody_starts_green(stage: Stage) -> None:
    """Enrolment, first data, first colours: the rule is known before anybody is judged by it."""
    now = stage.chapter(1, "06:00", "everybody starts, and the rule is known")
    for phone in stage.phones.values():
        phone.enrol(stage.server.desk.ticket(), now)
    stage.day_of_scans(1)
    decisions = stage.update(now)
    for agent in stage.agents.values():
        agent.passes_once()
    rulebook = stage.phones["cook"].rulebook(now)
    if rulebook is not None:
        stage.say(f'Published rulebook, version {rulebook.version}: "{rulebook.summary["en"]}"')
    colours = {decision.colour for decision in decisions.values()}
    stage.expect("everybody is green, each by their own computation", colours == {Colour.GREEN})
    sizes = [len(file.content.keys) for file in stage.auditor.new_key_files(now)]
    stage.expect(
        f"nobody has reported, and still every key file looks full (at least {PADDING} keys)", min(sizes) >= PADDING
    )


def people_meet(stage: Stage) -> None:
    """Tuesday: phones hear each other. Nothing is sent to anybody."""
    stage.chapter(2, "07:00", "an ordinary day: phones hear each other's rotating identifiers")
    before = {name: len(phone.ledger()) for name, phone in stage.phones.items()}
    stage.day_of_scans(2)
    stage.meeting("retiree", "student", 2, "10:00", 40, attenuation=54)
    stage.meeting("courier", "cook", 2, "12:10", 30)
    stage.meeting("courier", "shopkeeper", 2, "15:00", 4)
    stage.meeting("courier", "commuter", 2, "17:30", 12)
    stage.meeting("cook", "cook's partner", 2, "19:00", 150, attenuation=45)
    stage.say("The courier has lunch at the cook's (30 min), buys something (4 min), rides beside a commuter (12 min).")
    stage.say("The student visits the retiree (40 min). The cook and the cook's partner spend the evening together.")
    after = {name: len(phone.ledger()) for name, phone in stage.phones.items()}
    stage.expect("meeting people made no phone send anything", before == after)


def two_people_test_positive(stage: Stage) -> None:
    """Wednesday: one reports directly, one through the desk, which cannot read what it carries."""
    now = stage.chapter(3, "09:10", "two people test positive")
    stage.day_of_scans(3)
    desk = stage.server.desk
    courier, retiree = stage.phones["courier"], stage.phones["retiree"]
    test_day = stage.date(now)

    code = desk.claim_code(ReportType.CONFIRMED_TEST)
    courier.claim(code, tested_on=test_day, onset=test_day, now=now)
    periods = [period for period in courier.report_periods(now) if period.included]
    stage.say(
        f"The desk tells the courier a claim code. The phone shows what it would send: {len(periods)} key periods"
    )
    stage.say("of two hours in which it heard anybody. The token is blind: the authority never sees these keys.")
    stage.expect("the courier's phone sends just these to the publisher", courier.report(now) == len(periods))
    stage.expect("the courier's own phone says red from now on", courier.decide(now).colour is Colour.RED)
    stage.expect("a claim code works once", _refused(lambda: stage.phones["cook"].claim(code, test_day, test_day, now)))

    code = desk.claim_code(ReportType.CONFIRMED_TEST, "long")
    retiree.claim(code, tested_on=test_day, onset=test_day, now=now)
    sealed = retiree.seal_report(now)
    stage.save("reports", "retiree.sealed", sealed)
    stage.say(f"The retiree's phone seals its report into a file of {len(sealed)} bytes; the desk uploads that.")
    stage.expect("the desk's upload is accepted", desk.upload(sealed)["ok"] is True)
    stage.expect(
        "the same report a second time is refused", desk.upload(sealed) == {"ok": False, "error": "token_spent"}
    )


def everybody_knows(stage: Stage) -> None:
    """Thursday: the keys are out, and each phone finds out alone."""
    now = stage.chapter(4, "06:00", "the keys are published; each phone works out its own colour")
    stage.day_of_scans(4)
    decisions = stage.update(now)
    for file in stage.auditor.new_key_files(now):
        stage.save("key-files", f"batch-{file.entry.batch}.zip", file.data)
    for name in ("cook", "cook's partner", "shopkeeper", "student", "courier"):
        stage.show(name, decisions[name])
    expected = {
        "courier": Colour.RED,
        "retiree": Colour.RED,
        "cook": Colour.YELLOW,
        "student": Colour.YELLOW,
        "cook's partner": Colour.GREEN,
        "shopkeeper": Colour.GREEN,
        "commuter": Colour.GREEN,
    }
    stage.expect(
        "the colours are those that the rule and the meetings give",
        {name: decision.colour for name, decision in decisions.items()} == expected,
    )
    cook, partner = decisions["cook"], decisions["cook's partner"]
    stage.expect(
        "two people of one household, two colours, both explained: the cook was near a positive person for 30 minutes; "
        "the partner was near the cook, who is not positive",
        [finding.minutes for finding in cook.reasons] == [30] and partner.reasons == () and partner.not_counted == (),
    )
    seen = decisions["shopkeeper"].not_counted
    stage.expect(
        "the shopkeeper is told of the 4 minutes that were seen and were too little",
        [(item.why, item.minutes) for item in seen] == [(WhyNot.BELOW_THRESHOLD, 4)],
    )
    stage.expect("every yellow and red says when it ends", all(d.until for d in decisions.values() if d.reasons))
    for message in stage.told["cook"]:
        stage.say(f"the cook's phone notifies: {message.title}. {message.text}")
    stage.expect(
        "whose colour changed was told by their phone, and nobody else",
        {name for name, messages in stage.told.items() if messages} == {"courier", "retiree", "cook", "student"},
    )
    stage.promised = {name: d.until for name, d in decisions.items() if d.until is not None}
    for agent in stage.agents.values():
        agent.passes_once()


def a_wrong_result_is_withdrawn(stage: Stage) -> None:
    """Friday and Saturday: the laboratory had mixed up samples; every phone corrects itself and says why."""
    now = stage.chapter(5, "09:00", "the courier's result was wrong: it is withdrawn")
    stage.day_of_scans(5)
    courier = stage.phones["courier"]
    courier.sync(now)
    courier.withdraw(stage.server.desk.claim_code(ReportType.REVOKED), now)
    stage.expect("the courier's red ends at once", courier.decide(now).colour is Colour.GREEN)
    now = stage.chapter(6, "06:00", "the withdrawal is published")
    stage.day_of_scans(6)
    decisions = stage.update(now, without="commuter")
    for name in ("courier", "cook"):
        stage.show(name, decisions[name])
        journal = stage.phones[name].journal()
        verify_chain(journal)
        stage.save_json("journals", f"{name}.json", [entry.model_dump(mode="json") for entry in journal])
        last = journal[-1]
        stage.say(
            f"journal of the {name}: {last.before.word if last.before is not None else '-'} -> {last.after.word}: "
            + "; ".join(last.why)
        )
        stage.expect(
            f"the {name}'s phone turned back to green and wrote down why",
            decisions[name].colour is Colour.GREEN and any("withdrawn" in reason for reason in last.why),
        )
    lost = stage.phones["commuter"].decide(now)
    stage.show("commuter", lost)
    stage.expect(
        "the commuter's phone, which was shown two logs, trusts neither and says that it does not know",
        lost.colour is Colour.GREY,
    )
    stage.expect("the student, who met the retiree, stays yellow", decisions["student"].colour is Colour.YELLOW)


def a_quarantine_ends_as_promised(stage: Stage) -> None:
    """A week later: the student's yellow ends at the second that was named on the first day."""
    promised = stage.promised["student"]
    for day in range(7, 10):
        stage.day_of_scans(day)
    now = stage.chapter(9, "23:50", "the last minutes of a quarantine")
    student = stage.phones["student"]
    student.sync(now)
    stage.say(f"On Thursday the student's phone said: until {stage.local(promised)}.")
    stage.expect("ten minutes before, it is still yellow", student.decide(now).colour is Colour.YELLOW)
    stage.expect("at the promised second, it is still yellow", student.decide(promised).colour is Colour.YELLOW)
    stage.expect(
        "one second later it is green, and nobody had to be asked", student.decide(promised + 1).colour is Colour.GREEN
    )


def what_left_each_phone(stage: Stage) -> None:
    """The ledgers: every request that ever left a phone."""
    stage.chapter(10, "08:00", "what left each phone")
    table = Table("phone", "requests", "sent (kB)", "what for")
    for name, phone in stage.phones.items():
        lines = phone.ledger()
        stage.save_json("ledgers", f"{name}.json", [line._asdict() for line in lines])
        purposes = Counter(line.purpose for line in lines)
        sent = sum(line.bytes_out for line in lines)
        table.add_row(
            name, str(len(lines)), f"{sent / 1000:.0f}", ", ".join(f"{n} x {p}" for p, n in purposes.most_common())
        )
    stage.console.print(table)
    frames = {
        line.bytes_out for phone in stage.phones.values() for line in phone.ledger() if line.bytes_out > FRAME_BYTES
    }
    stage.say(f"Every message is a frame of {FRAME_BYTES} bytes; with its header {min(frames)} to {max(frames)}.")
    stage.expect(
        "no message is longer or shorter than another by more than its address line", max(frames) - min(frames) < 64
    )
    stage.expect("the server's files contain no place of any phone", not stage.places_on_the_server())


def what_anybody_can_check(stage: Stage) -> None:
    """The published folder, region and root are left behind, for an audit from outside."""
    stage.chapter(10, "08:30", "what anybody can check")
    published = stage.out / "published"
    shutil.rmtree(published, ignore_errors=True)
    shutil.copytree(stage.server.directory / "published", published, ignore=shutil.ignore_patterns(".*"))
    stage.save("", "region.json", region_bytes(stage.server.region))
    stage.save("", "root.json", stage.server.trust_root or b"")
    for word in stage.phones["cook"].trust_words(stage.at(10, "08:30")):
        stage.say(f"the cook's phone: {word}")
    stage.say("The whole publication lies in a folder. Anybody can go through it from the first batch to the last:")
    stage.say(
        f"    ownhue-server verify-log {published} --region {stage.out / 'region.json'}"
        f" --root {stage.out / 'root.json'} --padding {PADDING}"
    )


def what_was_answered(stage: Stage) -> None:
    """The seed of it all, side by side."""
    table = Table("the Alipay Health Code", "what you have just seen", title="what this answers")
    table.add_row("a secret rule", "a published rulebook; each colour names the rule it comes from")
    table.add_row("two colours in one household, unexplained", "cook yellow, partner green, both with their reasons")
    table.add_row("red turned green without a reason", "a withdrawal, written into each phone's journal")
    table.add_row("nobody could say when it ends", "the end was named on the first day and kept to the second")
    table.add_row(
        "each scan was sent to a server", f"{stage.gate.counts.total()} codes checked at the gate, no request sent"
    )
    table.add_row("everybody's places were collected", f"{len(PEOPLE)} phones noted places; none has left them")
    table.add_row("a server could turn people red", "a special log was refused by the witness, and found at the door")
    stage.console.print(table)


def _refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except RefusedError:
        return True
    return False
