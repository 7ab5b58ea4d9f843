"""`ownhue phone run | unit`: the agent as a process, and as a service of systemd."""

from typing import Annotated, Any

import typer

from ownhue_client.agent import service
from ownhue_client.agent.agent import Agent
from ownhue_client.agent.backends import Choice
from ownhue_client.agent.process import Job, run_process
from ownhue_client.operations.operation import Context
from ownhue_client.operations.table import operation_of, perform
from ownhue_client.phone_cli import talk, wiring
from ownhue_client.phone_cli.wiring import Wiring, wiring_of

Radio = Annotated[
    str | None, typer.Option(help='Adapter (hci0), "usb:0" for a dongle, or "off"; default: as the settings say.')
]


def run(context: typer.Context, radio: Radio = None) -> None:
    """Run the agent: send, listen, synchronise, tell. Ends with SIGTERM or Ctrl-C."""
    wired = wiring_of(context)
    wired.check_there()
    ending = run_process(wired.directory, Choice(radio or ""), _job(wired))
    talk.say(f"the agent has ended: {ending.value}")


def unit(
    context: typer.Context,
    write: Annotated[bool, typer.Option("--write", help="Write it where systemd looks for the user's units.")] = False,
    radio: Radio = None,
) -> None:
    """Print the systemd user unit that runs the agent, or write it."""
    wired = wiring_of(context)
    if radio is None:
        with wired.asking() as ask:
            radio = str(ask("settings")["radio"])
    text = service.unit_text(service.program_path(), wired.directory, radio)
    if not write:
        typer.echo(text, nl=False)
        return
    path = service.write_unit(text)
    talk.tell(str(path))
    talk.say(f"start it now and at every login with: systemctl --user enable --now {service.UNIT_NAME}")


def _job(wired: Wiring) -> Job:
    """What the agent's process needs."""
    contexts: list[Context] = []

    def answer(agent: Agent, op: str, args: dict[str, Any]) -> Any:
        # One context for the whole life of the agent: a code stays on the screen between two questions.
        if not contexts:
            contexts.append(Context(agent.phone, wired.directory, wiring.random, agent.state))
        return perform(contexts[0], op, args, wiring.now())

    return Job(
        open_phone=wired.open_phone,
        answer=answer,
        is_long=lambda op: operation_of(op).long,
        changes=lambda op: operation_of(op).changes,
        now=wiring.now,
        random=wiring.random,
        unlock=wired.unlock(),
    )
