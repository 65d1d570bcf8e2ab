"""Phones outlive the simulator: by its journal, in this process and as a process that is killed."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import httpx
import orjson

from services.sms.operators.smpp.constants import Status, Tag
from services.sms.operators.smpp.pdu import Pdu, QuerySm, QuerySmResp, SubmitSmResp, encode
from tests.deploy.smsc.conftest import PATIENCE, RawClient, Start
from tests.deploy.smsc.test_server import PHONE, submit
from tests.services.sms.operators.smpp import vectors

ROOT = Path(__file__).parents[3]


async def test_what_was_taken_is_there_after_a_restart(start: Start, tmp_path: Path) -> None:
    simulator = await start()
    client = await simulator.client()
    await client.bind()
    simulator.smsc.faults.withhold_receipts = True
    await client.ask(submit("hello", tlvs=((int(Tag.CLIENT_MESSAGE_ID), b"ours.1"),)))
    await client.ask(vectors.SMPPLIB_PARTS[0])

    simulator = await start()
    assert await simulator.texts(PHONE) == ["hello"]
    client = await simulator.client()
    await client.bind()
    found = await client.ask(encode(Pdu(1, QuerySm("", "30001000", tlvs=((int(Tag.CLIENT_MESSAGE_ID), b"ours.1"),)))))
    assert isinstance(found.body, QuerySmResp)
    simulator.smsc.faults.withhold_receipts = True
    last = await client.ask(vectors.SMPPLIB_PARTS[1])
    assert isinstance(last.body, SubmitSmResp)
    assert await simulator.texts(PHONE) == ["hello", vectors.SMPPLIB_TEXT]
    lines = [orjson.loads(line) for line in (tmp_path / "journal").read_bytes().splitlines()]
    assert len({line["provider_id"] for line in lines}) == len(lines) == 3
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0


async def test_a_line_cut_short_is_forgotten_and_the_journal_goes_on(start: Start, tmp_path: Path) -> None:
    for text in ("one", "two"):
        simulator = await start()
        client = await simulator.client()
        await client.bind()
        await client.ask(submit(text))
        await simulator.smsc.stop()
        with (tmp_path / "journal").open("ab") as journal:
            journal.write(b'{"provider_id":"cut')
    simulator = await start()
    assert await simulator.texts(PHONE) == ["one", "two"]


class Process:
    """``python -m deploy.smsc`` with its two ports."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, phones: str) -> None:
        self.process = process
        self.port = port
        self.phones = phones

    @classmethod
    async def start(cls, journal: Path) -> "Process":
        ours = {
            "SEDA_SMSC_PORT": "0",
            "SEDA_PHONES_PORT": "0",
            "SEDA_SMSC_SYSTEM_ID": "seda",
            "SEDA_SMSC_PASSWORD": "secret1",
            "SEDA_SMSC_JOURNAL": str(journal),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.smsc", cwd=ROOT, env={**os.environ, **ours}, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
        told = re.fullmatch(r".*simulator.*SMPP on 127\.0\.0\.1:(\d+), phones on (http://127\.0\.0\.1:\d+)\n", line)
        assert told, line
        return cls(process, int(told[1]), told[2])

    async def end(self, how: signal.Signals) -> int:
        """Sends a signal and waits; the exit code."""
        self.process.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


async def texts(process: Process) -> list[str]:
    async with httpx.AsyncClient(base_url=process.phones, trust_env=False) as http:
        for _ in range(200):
            try:
                answer = await http.get(f"/phones/{PHONE}/messages")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return [item["text"] for item in answer.json()["items"]]
    raise AssertionError("the phones did not answer")


async def test_a_killed_process_comes_back_with_its_phones(tmp_path: Path) -> None:
    process = await Process.start(tmp_path / "journal")
    try:
        client = RawClient(*await asyncio.open_connection("127.0.0.1", process.port))
        await client.bind()
        for number in range(50):
            assert (await client.ask(submit(str(number)))).status == Status.ESME_ROK
        client.writer.close()
        assert await process.end(signal.SIGKILL) == -signal.SIGKILL
        process = await Process.start(tmp_path / "journal")
        assert await texts(process) == [str(number) for number in range(50)]
        assert await process.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    finally:
        if process.process.returncode is None:
            process.process.kill()
            await process.process.wait()


async def test_a_missing_password_and_a_taken_port_get_one_sentence(tmp_path: Path) -> None:
    running = await Process.start(tmp_path / "journal")
    try:
        for env, sentence in (
            ({"SEDA_SMSC_PORT": "0"}, r"The SMSC simulator's settings are missing or wrong: SEDA_SMSC_PASSWORD\n"),
            (
                {"SEDA_SMSC_PORT": str(running.port), "SEDA_SMSC_PASSWORD": "secret1"},
                rf"The SMSC simulator cannot listen on 127\.0\.0\.1:{running.port}: Address already in use\n",
            ),
        ):
            bare = {name: value for name, value in os.environ.items() if not name.startswith("SEDA_")}
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "deploy.smsc", cwd=ROOT, env=bare | env, stderr=asyncio.subprocess.PIPE
            )
            async with asyncio.timeout(PATIENCE):
                _, error = await process.communicate()
            assert process.returncode == 1
            assert re.fullmatch(sentence, error.decode())
    finally:
        await running.end(signal.SIGTERM)
