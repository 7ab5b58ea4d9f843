"""Which step of specs/key-file.md section 6 refused a file, told from the words of the error alone."""

import re

from ownhue.errors import FormatError, OwnhueError, VerificationError

#: Step of section 6 -> how its refusals sound. No refusal may sound like two of them.
STEPS = {
    "1": r"ZIP|^a key file of \d+ bytes",
    "2": r"^export\.sig|^\d+ signatures|^a signature (states|is not DER)|header of version 1$",
    "3": r"^no signature of the expected key|with a P-256 key$",
    "4": r"^export\.bin (is no|announces more|has more)|^a protobuf|^more than \d+ keys",
    "5": r"who signs it$|^batch -?\d+ of|^a label is not|bear one label$|another batch$|^a signature bears",
    "6": r"span of time$|region|^a key (has|occurs)|^a rolling|^report type|since onset|risk level|^a variant",
}


def step_of(error: OwnhueError) -> str:
    """The step that refused. Fails where the words fit none or several, or where the class is not the step's."""
    steps = [step for step, pattern in STEPS.items() if re.search(pattern, str(error))]
    assert len(steps) == 1, (str(error), steps)
    allowed = {"3": (VerificationError,), "5": (FormatError, VerificationError)}.get(steps[0], (FormatError,))
    assert isinstance(error, allowed), error
    return steps[0]
