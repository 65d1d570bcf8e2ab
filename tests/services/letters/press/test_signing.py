import asyncio
import io
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import cms, tsp
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps import TimeStamper

from services.letters.office_keys import make_office_keys
from services.letters.press.content import Letter
from services.letters.press.field import seal_box
from services.letters.press.rendering import render
from services.letters.press.signing import NotSigned, Office, Trust
from services.letters.press.timestamps import DEVELOPMENT_POLICY, time_stamper
from tests.services.letters.papers import (
    ENGLISH,
    LETTER,
    LONG,
    LOOK,
    attached,
    failures,
    shown,
    signature_report,
    words,
)

LETTERS = {"persian": LETTER, "english": ENGLISH, "long": LONG}


@pytest.fixture(scope="module")
def office(keys: Path) -> Office:
    return Office(keys, tsa_url=None)


@pytest.fixture(scope="module")
def trust(keys: Path) -> Trust:
    return Trust(keys, own_stamps=True)


@pytest.fixture(scope="module", params=LETTERS)
async def signed(office: Office, request: pytest.FixtureRequest) -> bytes:
    letter = LETTERS[request.param]
    return await office.sign(render(letter, LOOK), letter.language)


@pytest.fixture(scope="module")
async def one(office: Office) -> bytes:
    return await office.sign(render(LETTER, LOOK), "fa")


# --- the signature ----------------------------------------------------------------------------------------------------


async def test_another_program_finds_it_valid_and_over_everything(signed: bytes, tmp_path: Path) -> None:
    said = signature_report(signed, tmp_path)
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert said.count("Signature #") == 1


async def test_the_signed_file_still_conforms(signed: bytes) -> None:
    assert failures(signed) == []


async def test_what_typst_wrote_is_untouched(office: Office) -> None:
    plain = render(LETTER, LOOK)
    signed = await office.sign(plain, "fa")
    assert signed.startswith(plain)
    assert attached(signed) == LETTER.record()
    with pikepdf.open(io.BytesIO(plain)) as before, pikepdf.open(io.BytesIO(signed)) as after:
        assert before.Root.Metadata.read_bytes() == after.Root.Metadata.read_bytes()


async def test_it_is_dated_by_a_stamp_that_says_it_is_developments(one: bytes) -> None:
    [embedded] = PdfFileReader(io.BytesIO(one)).embedded_regular_signatures
    [attribute] = embedded.signer_info["unsigned_attrs"]
    assert attribute["type"].native == "signature_time_stamp_token"
    token: cms.SignedData = attribute["values"][0]["content"]
    stamp: tsp.TSTInfo = token["encap_content_info"]["content"].parsed
    assert stamp["policy"].native == DEVELOPMENT_POLICY
    assert embedded.docmdp_level.name == "NO_CHANGES"


@pytest.mark.parametrize("letter", [LETTER, ENGLISH, LONG], ids=["persian", "english", "long"])
async def test_the_field_lies_over_the_seal_that_is_seen(office: Office, letter: Letter) -> None:
    signed = await office.sign(render(letter, LOOK), letter.language)
    with pikepdf.open(io.BytesIO(signed)) as document:
        count = len(document.pages)
        widgets = [one for one in document.pages[-1].Annots if one.Subtype == "/Widget"]
        assert [[int(edge) for edge in widget.Rect] for widget in widgets] == [list(seal_box(letter.language))]
    left, bottom, right, top = seal_box(letter.language)
    inside = [
        word.text
        for word in words(signed, count)
        if left < word.left and word.right < right and 842 - top < word.top and word.bottom < 842 - bottom
    ]
    assert {"Signed electronically", shown("امضای")} & {*inside, " ".join(inside[:2])}


async def test_a_file_that_is_not_typsts_is_not_signed(office: Office) -> None:
    with pikepdf.new() as document:
        document.add_blank_page()
        out = io.BytesIO()
        document.save(out)
    for junk in (out.getvalue(), b"", b"%PDF-1.7 junk"):
        with pytest.raises(NotSigned):
            await office.sign(junk, "fa")


# --- ours and untouched ---------------------------------------------------------------------------------------------


async def test_our_letter_is_ours(trust: Trust, signed: bytes) -> None:
    assert await trust.is_ours(signed)


async def test_one_changed_byte_of_the_letter_is_found(trust: Trust, one: bytes) -> None:
    [embedded] = PdfFileReader(io.BytesIO(one)).embedded_regular_signatures
    _, first, second, rest = (int(n) for n in embedded.byte_range)
    assert second + rest == len(one)
    assert re.fullmatch(b"<[0-9A-F]+>", one[first:second])  # the hole is the signature alone
    places = [*(n * (first - 1) // 40 for n in range(41)), *(second + n * (rest - 1) // 10 for n in range(11))]
    for place in places:
        changed = bytearray(one)
        changed[place] ^= 0x01
        assert not await trust.is_ours(bytes(changed)), place


async def test_a_changed_signature_is_found(trust: Trust, one: bytes) -> None:
    [embedded] = PdfFileReader(io.BytesIO(one)).embedded_regular_signatures
    raw = embedded.signer_info["signature"].native.hex().encode()
    start = one.lower().index(raw)
    for place in (start + 20, start + 100):
        changed = bytearray(one)
        changed[place] = ord("0") if changed[place] != ord("0") else ord("1")
        assert not await trust.is_ours(bytes(changed))


async def test_what_is_added_or_taken_away_is_found(trust: Trust, one: bytes) -> None:
    with pikepdf.open(io.BytesIO(one)) as document:
        out = io.BytesIO()
        document.save(out)
    appended = one + b"\n1 0 obj\n<<>>\nendobj\n"
    for changed in (one + b"\n", one[:-1], one[1:], b"\n" + one, appended, out.getvalue(), one + one):
        assert not await trust.is_ours(changed)


async def test_an_unsigned_letter_is_not_ours(trust: Trust) -> None:
    assert not await trust.is_ours(render(LETTER, LOOK))


async def test_a_strangers_signature_is_not_ours(trust: Trust, tmp_path: Path) -> None:
    make_office_keys(tmp_path)
    forged = await Office(tmp_path, tsa_url=None).sign(render(LETTER, LOOK), "fa")
    assert not await trust.is_ours(forged)


async def test_another_of_our_certificates_is_not_the_office(keys: Path, trust: Trust, tmp_path: Path) -> None:
    # the time-stamping unit's key, of the same authority, in the office's place
    shutil.copytree(keys, tmp_path, dirs_exist_ok=True)
    for kind in ("key", "cert"):
        shutil.copy(keys / f"letters-tsa.{kind}.pem", tmp_path / f"letters-office.{kind}.pem")
    with pytest.raises(NotSigned):
        await Office(tmp_path, tsa_url=None).sign(render(LETTER, LOOK), "fa")


@pytest.mark.parametrize(
    "junk", [b"", b"%PDF-1.7", b"\x00" * 500, b"%PDF-1.7\nxref\n0 1\ntrailer<</Root 1 0 R>>\n%%EOF"]
)
async def test_what_is_no_pdf_is_not_ours(trust: Trust, junk: bytes) -> None:
    assert not await trust.is_ours(junk)


# --- an authority over HTTP -------------------------------------------------------------------------------------------


@contextmanager
def authority(stamper: TimeStamper | None) -> Iterator[str]:
    """An RFC 3161 server on a free port; without a stamper it answers 503."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            if stamper is None:
                self.send_error(503)
                return
            reply = asyncio.run(stamper.async_request_tsa_response(request)).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def elsewhere(keys: Path, tmp_path: Path) -> Path:
    """The office's keys, and the certificate of another authority, which stamps."""
    other = tmp_path / "other"
    make_office_keys(other)
    shutil.copytree(keys, tmp_path, dirs_exist_ok=True)
    shutil.copy(other / "letters-ca.cert.pem", tmp_path / "letters-tsa-ca.cert.pem")
    return tmp_path


async def test_an_authority_dates_the_signature(elsewhere: Path, tmp_path: Path) -> None:
    with authority(time_stamper(elsewhere / "other", None)) as url:
        signed = await Office(elsewhere, tsa_url=url).sign(render(LETTER, LOOK), "fa")
    assert await Trust(elsewhere, own_stamps=False).is_ours(signed)
    assert not await Trust(elsewhere, own_stamps=True).is_ours(signed)
    assert "Signature is Valid." in signature_report(signed, tmp_path)


async def test_a_stamp_of_an_authority_that_we_do_not_trust_is_none(elsewhere: Path, keys: Path) -> None:
    with authority(time_stamper(keys, None)) as url, pytest.raises(NotSigned, match="does not pass"):
        await Office(elsewhere, tsa_url=url).sign(render(LETTER, LOOK), "fa")


async def test_an_authority_that_is_down_leaves_the_letter_unsigned(elsewhere: Path) -> None:
    with authority(None) as url:
        pass
    for down in (url, "http://127.0.0.1:1/"):
        with pytest.raises(NotSigned):
            await Office(elsewhere, tsa_url=down).sign(render(replace(LETTER), LOOK), "fa")
    with authority(None) as url, pytest.raises(NotSigned):
        await Office(elsewhere, tsa_url=url).sign(render(LETTER, LOOK), "fa")
