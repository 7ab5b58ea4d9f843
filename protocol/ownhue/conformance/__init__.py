"""Conformance: runs the vectors of specs/vectors against this library, or against another implementation.

``python -m ownhue.conformance FILE...`` tells pass or fail for each case. tests/conformance/CLI.md says how another
implementation plugs in.
"""
