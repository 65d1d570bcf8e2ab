"""Inspection through the gateway of a running system, by the command line and the demo people's own keys."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local.client import System, wait_for
from deploy.local.demo_report import play_report
from services.integrity.inspect import device
from services.integrity.inspect.__main__ import main
from services.integrity.inspect.client import Office, Refused
from services.integrity.inspect.device import InConflict
from services.integrity.inspect.keyfile import KeyFileInvalid, load, make

pytestmark = pytest.mark.e2e

Run = Callable[..., str]


@pytest.fixture
def run(system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line as a member of the demo's staff; what it shows."""

    def run(username: str, *words: str) -> str:
        session = tmp_path / f"{username}.json"
        if not session.exists():
            monkeypatch.setenv("SEDA_PASSWORD", system.logins[username])
            key = str(system.base / "demo-keys" / f"{username}.age")
            main(["--session", str(session), "login", username, "--gateway", system.run["gateway"], "--key", key])
            capsys.readouterr()
        main(["--session", str(session), *words])
        return capsys.readouterr().out

    return run


def having(system: System, report_no: str) -> tuple[str, dict[str, Any]]:
    """Who was given a report, and how the supervisor's list shows it."""
    item = next(item for item in system.office("supervisor").reports() if item["report_no"] == report_no)
    return item["inspector"], item


def test_a_whole_report_by_the_command_line(
    system: System, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    filed = system.report(subject="موضوع ویژهٔ خط فرمان")
    number = filed["report_no"]
    who, item = having(system, number)
    assert who == "inspector.tehran" or who == "inspector.sso-insurance"
    assert number in run(who, "list")
    shown = run(who, "show", number)
    assert "موضوع ویژهٔ خط فرمان" in shown
    assert "مهلت تأیید دریافت" in shown
    run(who, "step", number, "acknowledge")
    run(who, "step", number, "triage", "--priority", "high", "--note", "پذیرفته شد.")
    run(who, "step", number, "investigate", "--note", "بازدید از مرکز.")
    question = tmp_path / "question"
    question.write_text("نام مرکز چیست؟")
    with question.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert "در انتظار پاسخ شما" in run(who, "step", number, "message", "--body", "-")
    reporter = system.reporter(filed["receipt_code"])
    assert reporter.get("/v1/reports/mine")["messages"][0]["body"] == "نام مرکز چیست؟"
    reporter.post("/v1/reports/mine/messages", {"body": "مرکز امید."})
    assert "مرکز امید." in run(who, "show", item["id"])
    run(who, "step", number, "finding", "--text", "پول گرفته‌اند.")
    run(who, "step", number, "decide", "--to", "disciplinary", "--text", "به هیئت تخلفات رفت.", "--prevention", "x")
    assert "بسته شد" in run(who, "step", number, "close", "--reason", "پایان")
    assert reporter.get("/v1/reports/mine")["messages"][-1]["body"] == "به هیئت تخلفات رفت."
    assert "باز" in run("supervisor", "summary")
    with pytest.raises(SystemExit, match="Refused"):
        run(who, "step", number, "acknowledge")


def test_assigning_recusing_and_a_stale_version(system: System) -> None:
    filed = system.report(province="IR-10")
    who, item = having(system, filed["report_no"])
    assert who == "inspector.isfahan"
    isfahan, khuzestan, supervisor = (system.office(name) for name in (who, "inspector.khuzestan", "supervisor"))
    stale = isfahan.read(item["id"])
    isfahan.step(isfahan.read(item["id"]), type="acknowledge")
    with pytest.raises(Refused, match="412"):
        isfahan.step(stale, type="acknowledge")
    with pytest.raises(Refused, match="404"):
        khuzestan.read(item["id"])
    isfahan.step(isfahan.read(item["id"]), type="recuse", reason="خویشاوندی")
    with pytest.raises(Refused, match="404"):
        isfahan.read(item["id"])
    supervisor.assign(supervisor.read(item["id"]), "inspector.khuzestan")
    opened = khuzestan.read(item["id"])
    assert opened.contents[1] is not None
    assert opened.document["epoch"] == 2


def test_whom_the_reporter_named_after_filing_the_supervisors_device_gives_no_keys(system: System, run: Run) -> None:
    filed = system.report(province="IR-10")
    _, item = having(system, filed["report_no"])
    supervisor = system.office("supervisor")
    named = next(holder for holder in supervisor.holders() if holder["username"] == "inspector.khuzestan")
    system.reporter(filed["receipt_code"]).post("/v1/reports/mine/messages", {"body": f"{named['name']} هم بود."})
    with pytest.raises(InConflict):
        supervisor.assign(supervisor.read(item["id"]), "inspector.khuzestan")
    with pytest.raises(SystemExit, match=r"InConflict: .* give it to somebody else"):
        run("supervisor", "assign", item["id"], "inspector.khuzestan")


def test_a_lost_key_is_recovered_over_the_gateway(system: System, tmp_path: Path) -> None:
    filed = system.report(province="IR-06")
    who, item = having(system, filed["report_no"])
    id = item["id"]
    old = system.office(who)
    lost = Office.login(system.http, who, system.logins[who], make(tmp_path / "new.age"))
    try:
        lost.register()
        assert lost.read(id).keys == {}
        custodians = [system.office(f"custodian.{n}") for n in range(1, 6)]
        asked = custodians[0].ask(id, "recovery", "کلید گم شد", holder=who)
        for giver in custodians[1:3]:
            giver.give(giver.openings(id, "recovery")[-1], "recovery")
        assert asked["request"] == custodians[0].openings(id, "recovery")[-1]["request"]
        custodians[0].finish(custodians[0].openings(id, "recovery")[-1])
        assert lost.read(id).contents[1] is not None
    finally:
        old.register()


def test_an_identity_is_opened_by_two_custodians(system: System) -> None:
    contact = {"name": "زهرهٔ گزارشگر", "mobile": "09120001122"}
    filed = system.report(mode="named", contact=contact)
    _, item = having(system, filed["report_no"])
    custodians = [system.office(f"custodian.{n}") for n in range(1, 6)]
    first, second = [custodian for custodian in custodians if custodian.may_open(item["id"], "identity")]
    first.ask(item["id"], "identity", "حکم قضایی")
    with pytest.raises(Refused, match="409"):
        first.give(first.openings(item["id"], "identity")[-1], "identity")
    second.give(second.openings(item["id"], "identity")[-1], "identity")
    opened = device.identity(first.openings(item["id"], "identity")[-1], *first.keys)
    assert opened == {"name": contact["name"], "mobile": "+989120001122"}


def test_the_accused_bodys_own_inspector_sees_nothing_of_it(system: System) -> None:
    filed = system.report(organisation_id="sso")
    who, item = having(system, filed["report_no"])
    assert who == "inspector.tehran"
    own = system.office("inspector.sso-insurance")
    assert filed["report_no"] not in [entry["report_no"] for entry in own.reports()]
    with pytest.raises(Refused, match="404"):
        own.read(item["id"])


def test_readings_stand_in_the_log(system: System) -> None:
    filed = system.report()
    who, item = having(system, filed["report_no"])
    system.office(who).read(item["id"])

    def sequenced() -> bool | None:
        size = int(system.http.get("/v1/log/checkpoint").text.splitlines()[1])
        return True if size > 3 else None

    wait_for(sequenced, "the log")
    readings = system.office("supervisor").read(item["id"]).document["readings"]
    assert [reading["by"] for reading in readings] == [who, "supervisor"]


def test_keys_are_for_their_owner_alone(system: System, tmp_path: Path) -> None:
    folder = system.base / "demo-keys"
    assert folder.stat().st_mode & 0o077 == 0
    holders = {holder["username"]: holder["recipient"] for holder in system.office("supervisor").holders()}
    assert len(holders) == 10
    for path in folder.glob("*.age"):
        assert path.stat().st_mode & 0o077 == 0
        assert load(path).recipient == holders[path.stem]
    path = tmp_path / "open.age"
    make(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileInvalid):
        load(path)
    with pytest.raises(FileExistsError):
        make(path)
    private = next(line for line in (folder / "supervisor.age").read_text().splitlines() if "SECRET" in line)
    assert private not in json.dumps(system.run)


def test_the_demos_report_plays(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    play_report(system)
    told = capsys.readouterr().out
    assert "checked offline: PROVEN" in told
    assert "پرونده به هیئت رسیدگی به تخلفات اداری رفت" in told
    assert json.loads((system.base / "demo-receipt.json").read_text())["proof"]
