"""The servers whose replay is compared: how each is started, and the one operation that all answer.

nginx does nothing but `return 200`. The three that replay match what their own recorders make them
match (method, path, JSON body) and answer with the recorded bytes. mountebank and WireMock have a
second way in which each answer has a fresh id, made as each of them offers that: by a function that
is injected, by a template. None of them has events.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from .process import free_port

BENCHMARKS = Path(__file__).parent.parent
PEERS = BENCHMARKS / "peers"
BIN = Path(sys.executable).parent

TARGET = "/api/v2/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
BODY = '{"operationName":"PullWorkitem","id":"02F0XAMPLE00001A"}'
ANSWER = '{"statusCode":0,"referenceId":17}'
LOGIN = "Basic " + base64.b64encode(b"agent7:correct-horse").decode()
CASSETTE = f"""\
cassette: 1
scenario: an agent pulls a workitem
origin: http://gws.example:8090
profile: workbins
---
exchange: 1
session: agent7
request: {{method: GET, target: /api/v2/me}}
response:
  status: 200
  headers:
    - [Content-Type, application/json;charset=UTF-8]
    - [Set-Cookie, "JSESSIONID=<session:1>; Path=/; HttpOnly"]
  json: {{statusCode: 0, user: {{userName: agent7}}}}
---
handshake: 2
session: agent7
client_id: <client-id:1>
---
connect: 3
session: agent7
---
subscribe: 4
session: agent7
channel: /v2/me/*
---
exchange: 5
session: agent7
request:
  method: POST
  target: {TARGET}
  headers: [[Content-Type, application/json]]
  json: {BODY}
response:
  status: 200
  headers: [[Content-Type, application/json;charset=UTF-8]]
  json: {ANSWER}
---
event: 6
session: agent7
cause: 5
channel: /v2/me/workitems
data:
  messageType: WorkitemStateChangeMessage
  notificationType: StatusChange
  workitem:
    id: 02F0XAMPLE00001A
    state: Processing
    capabilities: [Transfer, AttachUserData, UpdateUserData, DeleteUserData, Complete]
    userData: {{Subject: Change of address, AssignedTo: agent7, IsHeld: 0}}
    uri: http://gws.example:8090/api/v2/workitems/02F0XAMPLE00001A
  referenceId: 17
"""


def nginx(folder: Path, port: int) -> list[str]:
    """`return 200`, one process."""
    config = folder / "nginx.conf"
    config.write_text(
        f"""daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 '{ANSWER}'; }} }}
}}
"""
    )
    return ["nginx", "-c", str(config), "-p", str(folder), "-e", "stderr"]


def cometape(folder: Path, port: int) -> list[str]:
    """A replay whose operation may be repeated."""
    cassette = folder / "pull.yaml"
    cassette.write_text(CASSETTE)
    return [str(BIN / "cometape"), "replay", str(cassette), "--port", str(port), "--repeats"]


def mitmproxy(folder: Path, port: int) -> list[str]:
    """Server replay of a flow file, for ever."""
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow

    flow = tflow.tflow(resp=True)
    flow.request.host, flow.request.port, flow.request.scheme = "127.0.0.1", 9, "http"
    flow.request.method, flow.request.path, flow.request.text = "POST", TARGET, BODY
    assert flow.response is not None
    flow.response.text = ANSWER
    with (folder / "pull.flows").open("wb") as file:
        FlowWriter(file).add(flow)
    options = ["server_replay_reuse=true", "server_replay_extra=404", "connection_strategy=lazy"]
    return [
        *(str(BIN / "mitmdump"), "-q", "--listen-host", "127.0.0.1", "-p", str(port)),
        *("--mode", "reverse:http://127.0.0.1:9", "-S", str(folder / "pull.flows")),
        *(part for option in options for part in ("--set", option)),
    ]


def mountebank(folder: Path, port: int, *, fresh: bool = False) -> list[str]:
    """An imposter with one stub, as `predicateGenerators` of method, path and body make it.

    `fresh`: its answer is made by an injected function, which counts.
    """
    wanted = {"method": "POST", "path": TARGET, "body": json.loads(BODY)}
    headers = {"Content-Type": "application/json", "Connection": "keep-alive"}
    static = {"is": {"statusCode": 200, "headers": headers, "body": ANSWER}}
    counting = {
        "inject": f"""config => {{
            config.state.id = (config.state.id || 17) + 1;
            const body = JSON.stringify({{statusCode: 0, referenceId: config.state.id}});
            return {{statusCode: 200, headers: {json.dumps(headers)}, body}};
        }}"""
    }
    stub = {
        "predicates": [{"deepEquals": wanted}],
        "responses": [counting if fresh else static],
    }
    imposter = {"protocol": "http", "host": "127.0.0.1", "port": port, "stubs": [stub]}
    config = folder / f"mountebank-{port}.json"
    config.write_text(json.dumps({"imposters": [imposter]}))
    return [
        *("node", str(PEERS / "node_modules/@mbtest/mountebank/bin/mb"), "start"),
        *("--configfile", str(config), "--nologfile", "--loglevel", "error", "--host", "127.0.0.1"),
        *("--port", str(free_port()), "--pidfile", str(folder / f"mountebank-{port}.pid")),
        *(("--allowInjection",) if fresh else ()),
    ]


def wiremock(folder: Path, port: int, *, fresh: bool = False) -> list[str]:
    """A mapping as its recorder makes it; no log, and a journal of as many requests as ours.

    `fresh`: its answer is a template with a random number.
    """
    mappings = folder / f"wiremock-{port}" / "mappings"
    mappings.mkdir(parents=True)
    response: dict[str, object] = {
        "status": 200,
        "headers": {"Content-Type": "application/json"},
        "body": ANSWER,
    }
    if fresh:
        number = "{{randomInt lower=1000000 upper=2000000000}}"
        response["body"] = ANSWER.replace("17}", number + " }")
        response["transformers"] = ["response-template"]
    wanted = {
        "method": "POST",
        "url": TARGET,
        "bodyPatterns": [
            {"equalToJson": BODY, "ignoreArrayOrder": True, "ignoreExtraElements": True}
        ],
    }
    (mappings / "pull.json").write_text(json.dumps({"request": wanted, "response": response}))
    (jar,) = (PEERS / "node_modules/wiremock/build").glob("*.jar")
    return [
        *("java", "-jar", str(jar), "--port", str(port), "--bind-address", "127.0.0.1"),
        *("--root-dir", str(mappings.parent), "--max-request-journal-entries", "20000"),
        *("--disable-request-logging", "--disable-banner", "--async-response-enabled", "false"),
    ]


COMMANDS: dict[str, Callable[[Path, int], list[str]]] = {
    "nginx": nginx,
    "cometape": cometape,
    "WireMock": wiremock,
    "WireMock template": partial(wiremock, fresh=True),
    "mountebank": mountebank,
    "mountebank inject": partial(mountebank, fresh=True),
    "mitmproxy": mitmproxy,
}
FRESH = frozenset(("cometape", "WireMock template", "mountebank inject"))
"""Those of which each answer has an id of its own."""
NEEDED = {
    "nginx": "nginx",
    "WireMock": "java",
    "WireMock template": "java",
    "mountebank": "node",
    "mountebank inject": "node",
}
FROM_NPM = ("WireMock", "WireMock template", "mountebank", "mountebank inject")
WARM_UP_S = {
    "WireMock": 12.0,
    "WireMock template": 12.0,
    "mountebank": 3.0,
    "mountebank inject": 3.0,
}
"""How long each runs before it counts; a JVM compiles what it runs often."""
PACKAGES = {"nginx": "nginx-light", "wrk": "wrk", "java": "default-jre-headless", "node": "nodejs"}


def provide(names: Sequence[str]) -> list[str]:
    """Install what is missing, where that can be done; the names that can be measured."""
    wanted = ["wrk", *(NEEDED[name] for name in names if name in NEEDED)]
    missing = [PACKAGES[program] for program in wanted if shutil.which(program) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        print(f"installing {' '.join(missing)}", flush=True)
        for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", "-qq", *command], stdout=subprocess.DEVNULL, check=False)
    from_npm = any(name in FROM_NPM for name in names)
    if from_npm and not (PEERS / "node_modules" / ".package-lock.json").exists():
        driver = BENCHMARKS.parent / "tests" / "support" / "node_runtime.py"
        subprocess.run([sys.executable, str(driver), "install", str(PEERS)], check=False)
    if shutil.which("wrk") is None:
        raise SystemExit("wrk puts the load on: install the Debian package wrk")
    found = []
    for name in names:
        program = NEEDED.get(name)
        if program is not None and shutil.which(program) is None:
            print(f"SKIPPED {name}: no {program}; install the package {PACKAGES[program]}")
        elif name in FROM_NPM and not (PEERS / "node_modules").is_dir():
            print(f"SKIPPED {name}: `npm ci` in benchmarks/peers did not succeed")
        else:
            found.append(name)
    return found
