"""The command line of inspectors, supervisors and custodians: ``python -m services.integrity.inspect COMMAND``.

``REPORT`` is a report's id, or its number where one may list it. A text may be ``-``: it is read from the standard
input, and so stands in no list of processes and no history of a shell.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from services.integrity.inspect import device, keyfile, shown
from services.integrity.inspect.client import Office, Refused
from services.integrity.inspect.device import TEXTS, InConflict, NotGranted
from services.integrity.inspect.keyfile import KeyFileInvalid
from services.integrity.inspect.session import NotLoggedIn, Session
from services.integrity.sealing.age import NotOpened
from services.integrity.sealing.shares import NotRecovered

GATEWAY = "http://127.0.0.1:8080"
SESSION = Path.home() / ".seda-inspect.json"
_FAILURES = (Refused, NotLoggedIn, KeyFileInvalid, InConflict, NotGranted, NotOpened, NotRecovered, FileExistsError)
_UNAUTHORIZED = 401

Command = Callable[[Office, argparse.Namespace], Iterable[str]]


def main(words: list[str] | None = None) -> None:
    """Runs one command; ends with a message and code 1 if it fails."""
    arguments = _parser().parse_args(words)
    try:
        for line in arguments.run(arguments):
            sys.stdout.write(f"{line}\n")
    except _FAILURES as failure:
        raise SystemExit(f"{type(failure).__name__}: {failure}") from None
    except httpx.HTTPError as failure:
        raise SystemExit(f"the gateway does not answer ({type(failure).__name__})") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.integrity.inspect", description=__doc__)
    parser.add_argument("--session", type=Path, default=Path(os.environ.get("SEDA_INSPECT_SESSION", SESSION)))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    key = commands.add_parser("key", help="make a private key on this device; shows its public half")
    key.add_argument("file", type=Path)
    key.set_defaults(run=lambda arguments: [keyfile.make(arguments.file).recipient])

    login = commands.add_parser("login", help="log in (the password is asked for, or comes in SEDA_PASSWORD)")
    login.add_argument("username")
    login.add_argument("--gateway", default=GATEWAY)
    login.add_argument("--key", action="append", required=True, help="key file, the present one first; repeatable")
    login.add_argument("--totp")
    login.set_defaults(run=_login)

    _command(commands, "register", "register the key's public half", _register)
    _command(commands, "holders", "who holds which key", _holders)
    _command(commands, "summary", "the supervisor's summary", lambda office, _: shown.summary(office.summary()))
    _command(commands, "retire", "supervisor: nothing new is sealed to somebody", _retire).add_argument("username")
    _command(commands, "waiting", "custodians: what waits for a share", _waiting)
    listing = _command(commands, "list", "the reports within reach", _list)
    for name in ("state", "organisation", "province", "priority", "inspector"):
        listing.add_argument(f"--{name}")
    _report(_command(commands, "show", "read a report; that it was read is recorded", _show))
    step = _report(_command(commands, "step", "take a step on a report; texts are sealed on this device", _step))
    _step_options(step)
    step.add_argument("--attach", type=Path, action="append", default=[], help="evidence: a file; repeatable")
    file = _report(_command(commands, "file", "save a file of a report, opened on this device", _file))
    file.add_argument("n", type=int)
    file.add_argument("out", type=Path)
    file.add_argument("--original", action="store_true", help="the evidence as it was sent; it may be harmful")
    for name, help, run in (
        ("assign", "give a report to an inspector, its keys re-wrapped here", _assign),
        ("grant", "give a report's keys to a new key of whoever has it, or to a supervisor", _grant),
    ):
        _report(_command(commands, name, help, run)).add_argument("username")
    for kind, help in (("identity", "a reporter's identity"), ("recovery", "the keys of a report")):
        _custody(commands, kind, help)
    return parser


def _command(commands: Any, name: str, help: str, run: Command) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help)
    parser.set_defaults(run=lambda arguments: _logged_in(run, arguments))
    return parser


def _report(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("report", metavar="REPORT")
    return parser


def _step_options(step: argparse.ArgumentParser) -> None:
    step.add_argument(
        "type",
        choices=(
            *("acknowledge", "triage", "recuse", "investigate", "evidence", "message"),
            *("finding", "decide", "close", "reopen"),
        ),
    )
    for name in TEXTS:
        step.add_argument(f"--{name}")
    step.add_argument("--priority", choices=("low", "normal", "high", "urgent"), default="normal")
    step.add_argument("--declined", choices=("out_of_scope", "transferred", "merged"), help="triage: not admitted")
    step.add_argument("--merged-into", help="triage: the id of the report merged into")
    step.add_argument("--not-substantiated", action="store_true", help="finding: it is not so")
    step.add_argument("--to", choices=("judiciary", "disciplinary", "audit_court", "prevention", "none"))


def _custody(commands: Any, kind: str, help: str) -> None:
    parser = _report(_command(commands, kind, f"custodians: {help}", lambda office, given: _open(office, given, kind)))
    parser.add_argument("action", choices=("ask", "show", "give", "finish"))
    parser.add_argument("--reason", help="ask: why")
    if kind == "recovery":
        parser.add_argument("--for", dest="holder", help="ask: whose key is lost")


def _login(arguments: argparse.Namespace) -> Iterable[str]:
    for path in arguments.key:
        keyfile.load(Path(path))
    password = os.environ.get("SEDA_PASSWORD") or getpass.getpass("password: ")
    keys = tuple(str(Path(path).absolute()) for path in arguments.key)
    Session.begin(arguments.gateway, arguments.username, password, arguments.totp, keys).save(arguments.session)
    yield f"{arguments.username} is logged in"


def _logged_in(run: Command, arguments: argparse.Namespace) -> Iterable[str]:
    """Runs a command in the session's name; a token whose time is over is renewed first."""
    session = Session.load(arguments.session)
    with httpx.Client(base_url=session.gateway, timeout=60, headers={"Accept-Language": "fa"}) as http:
        headers = {"Authorization": f"Bearer {session.access_token}"}
        if http.get("/v1/me", headers=headers).status_code == _UNAUTHORIZED:
            session = session.renewed()
            session.save(arguments.session)
        yield from run(session.office(http), arguments)


def _register(office: Office, _arguments: argparse.Namespace) -> Iterable[str]:
    registered = office.register()
    yield f"{registered['recipient']} ({registered['role']}), leaf {registered['leaf']}"


def _holders(office: Office, _arguments: argparse.Namespace) -> Iterable[str]:
    for holder in office.holders():
        place = holder["province"] or "-"
        yield f"{holder['username']:<26} {holder['role']:<11} {place:<6} {holder['recipient']}  {holder['name']}"


def _retire(office: Office, arguments: argparse.Namespace) -> Iterable[str]:
    office.retire(arguments.username)
    yield f"{arguments.username} is retired; assign their reports to others"


def _waiting(office: Office, _arguments: argparse.Namespace) -> Iterable[str]:
    return shown.waiting(office.waiting())


def _list(office: Office, arguments: argparse.Namespace) -> Iterable[str]:
    names = ("state", "organisation", "province", "priority", "inspector")
    filters = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return shown.listed(office.reports(**filters))


def _show(office: Office, arguments: argparse.Namespace) -> Iterable[str]:
    return shown.report(office.read(_id(office, arguments.report)))


def _step(office: Office, arguments: argparse.Namespace) -> Iterable[str]:
    step: dict[str, Any] = {"type": arguments.type}
    step |= {name: _text(value) for name in TEXTS if (value := getattr(arguments, name)) is not None}
    if arguments.type == "triage":
        step |= {"priority": arguments.priority, "admissible": arguments.declined is None}
        step |= {"disposition": arguments.declined} if arguments.declined else {}
        step |= {"merged_into": arguments.merged_into} if arguments.merged_into else {}
    if arguments.type == "finding":
        step["substantiated"] = not arguments.not_substantiated
    if arguments.type == "decide":
        step["to"] = arguments.to
    if arguments.attach:
        step["attachments"] = [office.upload(path.read_bytes()) for path in arguments.attach]
    after = office.step(office.read(_id(office, arguments.report)), **step)
    yield next(shown.report(after))


def _file(office: Office, arguments: argparse.Namespace) -> Iterable[str]:
    report = office.read(_id(office, arguments.report))
    content = office.file(report, arguments.n, original=arguments.original)
    with os.fdopen(os.open(arguments.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    yield f"{arguments.out}: {len(content)} bytes"


def _assign(office: Office, arguments: argparse.Namespace) -> Iterable[str]:
    after = office.assign(office.read(_id(office, arguments.report)), arguments.username)
    yield next(shown.report(after))


def _grant(office: Office, arguments: argparse.Namespace) -> Iterable[str]:
    after = office.grant(office.read(_id(office, arguments.report)), arguments.username)
    yield next(shown.report(after))


def _open(office: Office, arguments: argparse.Namespace, kind: str) -> Iterable[str]:
    """``ask``, ``show``, ``give`` and ``finish`` go to the newest opening of the report."""
    if arguments.action == "ask":
        asked = office.ask(arguments.report, kind, _text(arguments.reason or "-"), getattr(arguments, "holder", None))
        return shown.opening(asked, "-")
    openings = office.openings(arguments.report, kind)
    if not openings:
        raise Refused(404, "nothing was asked about this report")
    opening = openings[-1]
    if arguments.action == "show":
        return [line for item in openings for line in shown.opening(item, device.reason_of(item, office.keys[0]))]
    if arguments.action == "give":
        return shown.opening(office.give(opening, kind), device.reason_of(opening, office.keys[0]))
    if kind == "identity":
        return shown.identity(device.identity(opening, *office.keys))
    return shown.opening(office.finish(opening), device.reason_of(opening, office.keys[0]))


def _id(office: Office, report: str) -> str:
    """A report's id, by its number if it is that."""
    try:
        return str(UUID(report))
    except ValueError:
        pass
    for item in office.reports():
        if item["report_no"] == report.upper():
            return str(item["id"])
    raise Refused(404, "there is no such report within reach")


def _text(value: str) -> str:
    return sys.stdin.read().strip() if value == "-" else value


if __name__ == "__main__":
    main()
