"""`cometape simulate`: the simulated Workbins system."""

from __future__ import annotations

import re
import time
from datetime import datetime
from functools import partial
from typing import IO

import click

from cometape.core.errors import ConfigurationError
from cometape.core.json_value import Json
from cometape.server.listener import serve
from cometape.simulator import Workbins, WorkbinsConfig
from cometape.simulator.config import DEFAULT_PUBLIC_URL
from cometape.simulator.demo_data import DEMO_DATA, DRAFTS, IN_PROGRESS, MARAT, TEST_WORKBIN
from cometape.simulator.model import DataSet
from cometape.simulator.statuses import HTTP_STATUSES
from cometape.simulator.switches import SWITCHES, parse_switch
from cometape.simulator.users_file import with_users

from .address import address_options
from .bayeux_options import bayeux_options
from .seconds import Seconds

_DELAY = re.compile(r"(\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?")


@click.command("simulate")
@address_options
@bayeux_options(max_interval_s=60.0)
@click.option(
    "--public-url",
    default=DEFAULT_PUBLIC_URL,
    show_default=True,
    metavar="URL",
    help="Scheme, host and port of every `uri` in a body; a live system's differ from the address "
    "it listens on, too.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="Ids, first reference ids and delays come from it.",
)
@click.option(
    "--delay-ms",
    default="20:80",
    show_default=True,
    metavar="MIN:MAX",
    help="Between an answer and its event, in milliseconds; 0 sends it at once.",
)
@click.option(
    "--users",
    type=click.File("rb"),
    metavar="FILE",
    help="Users besides the four demo users: a YAML list, - {userName: ada, agentGroups: [Tier2]}.",
)
@click.option("--csrf", is_flag=True, help="Demand the CSRF token that every GET gives.")
@click.option(
    "--first-reference-id",
    type=click.IntRange(min=1),
    metavar="N",
    help="Where each referenceId counter starts; else a low number from the seed.",
)
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Decide what the documentation leaves open, or rehearse a fault; see --list-switches.",
)
@click.option("--list-switches", is_flag=True, help="Print every switch and its default, and end.")
@click.option(
    "--invite-every-s",
    type=Seconds(min_open=True),
    metavar="S",
    help="Invite each agent who is Ready to a new workitem every so many seconds.",
)
@click.option(
    "--revoke-after-s",
    type=Seconds(min_open=True),
    metavar="S",
    help="Revoke an invitation that is not accepted in time.",
)
@click.option(
    "--http-status",
    "http_statuses",
    multiple=True,
    metavar="CODE=STATUS",
    help="HTTP status that goes with a statusCode, for example 3=400.",
)
@click.option(
    "--load-balancer", is_flag=True, help="Set an AWSELB cookie, and demand it with JSESSIONID."
)
@click.option(
    "--date",
    default="now",
    show_default=True,
    metavar="ISO8601",
    help="The simulated date at the start, with offset: 2026-03-01T09:15:00+00:00.",
)
def command(
    port: int,
    host: str,
    public_url: str,
    seed: int,
    delay_ms: str,
    users: IO[bytes] | None,
    csrf: bool,
    first_reference_id: int | None,
    switches: tuple[str, ...],
    list_switches: bool,
    invite_every_s: float | None,
    revoke_after_s: float | None,
    http_statuses: tuple[str, ...],
    load_balancer: bool,
    timeout_s: float,
    max_interval_s: float,
    date: str,
) -> None:
    """Run a simulated Workbins system to record from.

    It has agents, a supervisor, workbins with workitems, chats and e-mails, and sends CometD events
    as the Workbins API does. Log in as agent7, agent8, MaratTest or supervisor; the password is the
    name followed by "-password". The first line on standard output is "listening on
    http://HOST:PORT"; Ctrl-C ends it.

    \b
    Try, with U=http://127.0.0.1:PORT and the workbin id that the command prints:
      curl -u agent7:agent7-password "$U/api/v2/me/workbins?fields=*"
      curl -u agent7:agent7-password "$U/api/v2/workbins/ID/workitems?fields=*"
      curl -u agent7:agent7-password -H "Content-Type: application/json" \\
           -d '{"operationName":"PullWorkitem","id":"02F0XAMPLE00001A"}' "$U/api/v2/workbins/ID"
      curl -d '{"user":"agent7"}' $U/simulator/invite

    \b
    Record it:
      cometape simulate --port 8090
      cometape record http://127.0.0.1:8090 -o session.yaml
    """
    if list_switches:
        _print_switches()
        return
    min_delay_ms, max_delay_ms = _parse_delay(delay_ms)
    data = DEMO_DATA if users is None else with_users(DEMO_DATA, _load(users))
    config = WorkbinsConfig(
        data=data,
        public_url=_parse_url(public_url),
        start=_parse_date(date),
        min_delay_ms=min_delay_ms,
        max_delay_ms=max_delay_ms,
        first_reference_id=first_reference_id,
        csrf=csrf,
        load_balancer=load_balancer,
        http_statuses=dict(_parse_status(text) for text in http_statuses),
        switches=dict(parse_switch(text) for text in switches),
        invite_every_s=invite_every_s,
        revoke_after_s=revoke_after_s,
        bayeux_timeout_s=timeout_s,
        bayeux_max_interval_s=max_interval_s,
        wall_offset_s=time.time() - time.monotonic(),
    )
    serve(Workbins(config, seed), host=host, port=port, on_listening=partial(_welcome, data))


def _welcome(data: DataSet, url: str) -> None:
    lines = ["users (demo credentials):"]
    for user in data.users:
        role = "supervisor" if user.supervisor else "agent"
        lines.append(f"  {user.user_name}:{user.password}  {role}, id {user.id}")
    lines += [
        "workbins to try:",
        f"  {IN_PROGRESS.id}  {IN_PROGRESS.name} of agent7: workitem 02F0XAMPLE00001A",
        f"  {DRAFTS.id}  {DRAFTS.name} of agent7: e-mail 02F0XAMPLE00001C",
        f"  {TEST_WORKBIN.id}  {TEST_WORKBIN.name} of user {MARAT.id}: workitem 02F0ASAK8EAFA00W",
        f"events: CometD at {url}/api/v2/notifications",
    ]
    for line in lines:
        click.echo(line)


def _print_switches() -> None:
    for switch in SWITCHES:
        choices = ", ".join(switch.values) or "comma-separated words"
        click.echo(f"{switch.name}={switch.default}    ({choices})")
        click.echo(f"    {switch.meaning}")


def _load(file: IO[bytes]) -> Json:
    import yaml  # here: most simulators have no file of users

    try:
        content: Json = yaml.safe_load(file)
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"{file.name} is not YAML: {error}",
            hint="Write a list of users: - {userName: ada, agentGroups: [Tier2]}.",
            reason="bad-option",
        ) from error
    return content


def _parse_delay(text: str) -> tuple[float, float]:
    match = _DELAY.fullmatch(text)
    low = float(match[1]) if match else 0.0
    high = float(match[2]) if match and match[2] else low
    if match is None or high < low:
        raise ConfigurationError(
            f"--delay-ms is {text!r}",
            hint="Write MIN:MAX in milliseconds, the smaller first: 20:80, or one number: 0.",
            reason="bad-option",
        )
    return low, high


def _parse_url(text: str) -> str:
    url = text.rstrip("/").removesuffix("/api/v2")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", url):
        raise ConfigurationError(
            f"--public-url is {text!r}",
            hint="Write scheme, host and port: https://gws.example:8090.",
            reason="bad-option",
        )
    return url


def _parse_date(text: str) -> datetime:
    if text == "now":
        return datetime.now().astimezone()
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        date = None
    if date is None or date.tzinfo is None:
        raise ConfigurationError(
            f"--date is {text!r}",
            hint="Write a date, time and offset: 2026-03-01T09:15:00+00:00, or now.",
            reason="bad-option",
        )
    return date


def _parse_status(text: str) -> tuple[int, int]:
    code, _, status = text.partition("=")
    if not (code.isdigit() and int(code) in HTTP_STATUSES and re.fullmatch(r"[2-5]\d\d", status)):
        raise ConfigurationError(
            f"--http-status is {text!r}",
            hint="Write CODE=STATUS with a statusCode of 0 to 20 and an HTTP status: 3=400.",
            reason="bad-option",
        )
    return int(code), int(status)
