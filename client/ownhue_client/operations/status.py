"""How the phone stands: its colour, why, whom it trusts, what it has left."""

import json
from typing import Any

from ownhue.colour import Decision, decision_bytes
from ownhue.encoding import base64url_decode
from ownhue.errors import StateError
from ownhue_client.agent.backends import Choice
from ownhue_client.agent.doctor import examine
from ownhue_client.operations.operation import Args, Context, NoArgs, Operation
from ownhue_client.phone.discarded import discarded_words
from ownhue_client.phone.why import why


class DoctorArgs(Args):
    """Which radio to look at."""

    radio: str = ""
    """As ``Choice.radio``; empty: as the settings say."""


class ShowArgs(Args):
    """Arguments of ``show.text``."""

    challenge: str = ""
    """The checkpoint's 16 bytes in base64url; empty: none."""


def _status(context: Context, _args: NoArgs, now: int) -> dict[str, Any]:
    phone = context.phone
    decision = phone.decide(now)
    return {
        **_of(decision),
        "region": phone.region.name,
        "agent": context.agent() if context.agent else None,
        "moved_at": phone.moved_at(),
        "passes_left": phone.passes_left(now),
        "report": phone.report_status(now),
        "days": len(phone.days()),
        "location": phone.preferences().location,
        "trouble": _trouble(context, now),
    }


def _why(context: Context, _args: NoArgs, now: int) -> dict[str, Any]:
    decision = context.phone.decide(now)
    return {
        "lines": [*why(decision), *discarded_words(context.phone.discarded(now))],
        "trust": context.phone.trust_words(now),
        "discarded": context.phone.discarded(now),
        "decision": json.loads(decision_bytes(decision)),
    }


def _doctor(context: Context, args: DoctorArgs, now: int) -> list[Any]:
    phone, agent = context.phone, context.agent() if context.agent else None
    choice = Choice(args.radio or phone.preferences().radio)
    return examine(phone, context.directory, choice, now, agent=agent, facts=context.radio_facts)


def _of(decision: Decision) -> dict[str, Any]:
    """What of a decision a status line needs. Times in unix seconds."""
    return {
        "colour": decision.colour.word,
        "until": decision.until,
        "zone": decision.zone,
        "time": decision.time,
        "headline": why(decision)[0],
        "grey_because": decision.grey_because,
        "data_old": decision.data_old,
        "reasons": len(decision.reasons),
        "published_until": decision.published_until,
        "observed_since": decision.observed_since,
        "radio_share_percent": decision.radio_share_percent,
        "rulebook_version": decision.rulebook_version,
    }


def _trouble(context: Context, now: int) -> list[str]:
    """Proofs of a fork are told wherever the phone is looked at."""
    proofs = len(context.phone.evidence())
    words = [f"files that prove that two histories were shown: {proofs}; see: ownhue phone evidence"] if proofs else []
    report = context.phone.report_status(now)
    return [*words, f"the report was refused: {report.why}"] if report.why else words


def _open(context: Context, _args: NoArgs, now: int) -> dict[str, Any]:
    context.shown = shown = context.phone.open_code(now)
    return {
        "text": shown.text_at(now),
        "opened_at": shown.opened_at,
        "until": shown.until,
        "colour": shown.decision.colour.word,
        "passes_left": context.phone.passes_left(now),
    }


def _text(context: Context, args: ShowArgs, now: int) -> dict[str, Any]:
    shown = context.shown
    if shown is None:
        raise StateError("no code is on the screen; open a code first")
    challenge = base64url_decode(args.challenge) if args.challenge else b""
    return {"text": shown.text_at(now, challenge), "until": shown.until, "opened_at": shown.opened_at}


def _close(context: Context, _args: NoArgs, _now: int) -> None:
    context.shown = None


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("status", NoArgs, _status),
    Operation("why", NoArgs, _why),
    Operation("doctor", DoctorArgs, _doctor, long=True),
    Operation("show.open", NoArgs, _open),
    Operation("show.text", ShowArgs, _text),
    Operation("show.close", NoArgs, _close),
)
