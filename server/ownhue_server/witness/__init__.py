"""A witness: remembers the newest head of each log that it watches, and cosigns only what continues it.

It may be run by anybody, on any machine, and gets signed heads and proofs only: nothing about people. It shares no code
with the authority, the publisher or the issuer. specs/publication.md sections 11 to 13
"""
