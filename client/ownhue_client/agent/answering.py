"""How a running agent answers commands: by a table of operations that comes from outside, on the agent's own phone.

    handler = answering(agent, answer, is_long)
    async with serving(directory, handler): ...

Long operations wait for their turn, in a worker thread; the others are answered at once. After one that changes
something the agent looks at everything anew: a new certificate changes the colour, a claim plans a report.
"""

from collections.abc import Callable
from typing import Any

from ownhue_client.agent.agent import Agent
from ownhue_client.agent.control import Handler

#: Asks how the agent itself does: :meth:`Agent.state`.
STATE_OP = "agent"


def answering(
    agent: Agent,
    answer: Callable[[str, dict[str, Any]], Any],
    is_long: Callable[[str], bool],
    changes: Callable[[str], bool] = lambda op: True,
) -> Handler:
    """A handler that asks *answer(op, args)*. *is_long(op)*: it may wait for the network, or take seconds;
    *changes(op)*: the colour, or what is to be done next, may be another one after it."""

    async def handle(op: str, args: dict[str, Any]) -> Any:
        if op == STATE_OP:
            return agent.state()
        try:
            if is_long(op):
                return await agent.exclusively(lambda: answer(op, args))
            return answer(op, args)
        finally:
            # Also after an error: half of it may have been done, as a claim whose answer was lost.
            if changes(op):
                agent.wake()

    return handle
