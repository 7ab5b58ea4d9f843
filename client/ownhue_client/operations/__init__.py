"""What can be asked of a phone: one table of operations, for commands, the agent and whatever else asks.

    OPERATIONS["status"]                              # its name, arguments and function
    perform(context, "why", {}, now)                  # a value that JSON can carry
    with route(directory, ...) as ask: ask("sync")    # by the agent when one runs, else on the phone itself

Nothing here prints, asks or reads a clock.
"""
