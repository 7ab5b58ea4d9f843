"""What the phone keeps for its owner: days, journal, ledger, settings, and forgetting a day."""

from typing import Any

from pydantic import Field

from ownhue_client.operations.operation import Args, Context, NoArgs, Operation

#: Folder of proofs in a phone's folder.
EVIDENCE_FOLDER = "evidence"


class DayArgs(Args):
    """One UTC day."""

    day: int = Field(ge=0, lt=2**31)
    """unix // 86400"""


class SettingsArgs(Args):
    """What the owner chooses otherwise; nothing: as it is."""

    choices: dict[str, bool | int | str] = Field(default_factory=dict)


def _settings(context: Context, args: SettingsArgs, _now: int) -> dict[str, Any]:
    phone = context.phone
    return (phone.prefer(**args.choices) if args.choices else phone.preferences()).to_record()


def _evidence(context: Context, _args: NoArgs, _now: int) -> dict[str, Any]:
    """Into the phone's own folder: an agent may write nowhere else. What is proven there says nothing of the owner."""
    return {"written": context.phone.save_evidence(context.directory / EVIDENCE_FOLDER)}


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("days", NoArgs, lambda context, _args, _now: context.phone.days()),
    Operation("journal", NoArgs, lambda context, _args, _now: context.phone.journal()),
    Operation("ledger", NoArgs, lambda context, _args, _now: context.phone.ledger()),
    Operation("settings", SettingsArgs, _settings, changes=True),
    Operation("evidence", NoArgs, _evidence),
)
