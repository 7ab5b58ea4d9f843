"""`ownhue phone`: commands that ask operations and print the answers."""
