"""``python -m ownhue_server`` is ``ownhue-server``."""

from ownhue_server.cli import main

if __name__ == "__main__":
    main()
