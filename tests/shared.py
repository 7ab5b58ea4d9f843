"""Where data that is not part of the repository lies: ../shared beside the checkout, or $OWNHUE_SHARED."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPECS = ROOT / "specs"


def shared_path(name: str) -> Path:
    """The path of a shared file. Skips the test with a reason where it is absent; fails in CI, which has it."""
    path = Path(os.environ.get("OWNHUE_SHARED", ROOT.parent / "shared")) / name
    if path.exists():
        return path
    reason = f"needs {name} of the shared data folder (beside the checkout, or $OWNHUE_SHARED)"
    if os.environ.get("OWNHUE_CI_REQUIRES_SHARED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
