"""The protocol of a health code that belongs to its owner. Pure: no network, no files, no clock.

    from ownhue.passes import finish_pass, request_pass      # the unlinkable right to show a code
    from ownhue.code import encode_code, sign_code           # what a phone shows
    from ownhue.verify import verify_code                    # what a checkpoint does with it
    from ownhue.colour import decide                         # a colour from a rulebook and facts

Nothing is imported here, so that each part can be used without the others: a rehearsal needs no cryptography.
specs/README.md lists the formats and their modules.
"""

#: Version of the formats in specs/.
SPEC_VERSION = "0.1"

__all__ = ["SPEC_VERSION"]
