"""The checkpoint: verifies codes offline, keeps nothing but counts. It never imports ``ownhue_client.phone``."""

from ownhue_client.checkpoint.admission import Admission
from ownhue_client.checkpoint.alarm import ForkAlarm, ForkMet
from ownhue_client.checkpoint.bundle import Bundle
from ownhue_client.checkpoint.checkpoint import Answer, Checkpoint

__all__ = ["Admission", "Answer", "Bundle", "Checkpoint", "ForkAlarm", "ForkMet"]
