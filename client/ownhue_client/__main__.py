"""`python -m ownhue_client` is the command `ownhue`."""

from ownhue_client.cli import main

main()
