"""Measurements. They print and judge nothing; `make bench` runs them."""

#: Keys of one report in the server's benchmark: about what somebody reports who met people on two days.
KEYS_PER_REPORT = 14
