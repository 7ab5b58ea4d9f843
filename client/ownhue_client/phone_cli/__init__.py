"""`ownhue phone`: the commands of a citizen's device. Data on stdout, talk on stderr, `--json` everywhere.

- ``wiring.py``: folder, clock, randomness, passphrase, and the way to the phone; ``talk.py``: how things are said.
- Each command asks operations (``ownhue_client.operations``) and says what came back; it decides nothing itself.
"""
