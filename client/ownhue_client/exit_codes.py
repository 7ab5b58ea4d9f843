"""Exit statuses of the command line. specs/README.md lists them for every command."""

#: Everything was done and every expectation held.
OK = 0
#: Something that was expected did not hold (a demo's step, a replay's equality).
MISSED = 1
#: The command was called wrongly.
USAGE = 2
#: A file, code or other input could not be read.
UNREADABLE = 5
#: A server or a file that is needed could not be reached.
UNREACHABLE = 7
#: Another error of this project.
FAILED = 9
#: The status of a phone, by its colour. specs/README.md
GREEN, YELLOW, RED, GREY = 0, 10, 20, 30
