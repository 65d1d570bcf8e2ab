"""The office's signature: PAdES B-T (ETSI EN 319 142-1) by pyHanko, and the check whether a PDF bears it unbroken."""

import io
from pathlib import Path
from typing import Any

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext

from services.letters.press.field import FIELD, add_field
from services.letters.press.signer import FileSigner
from services.letters.press.timestamps import time_stamper
from shared.contracts.envelope import Language


class NotSigned(Exception):
    """The signature could not be made, or did not pass our own check."""


class _Writer(IncrementalPdfFileWriter):
    """Leaves the metadata alone: PDF/A wants XMP and Info to agree, and Typst wrote both."""

    def _update_meta(self) -> None:
        return


class Trust:
    """Whose signatures are the office's. Holds certificates only, so it may stand where the key may not."""

    def __init__(self, keys: Path, *, own_stamps: bool) -> None:
        """``keys`` is the folder of ``letters-*.pem``. ``own_stamps``: development's time stamps are enough; else those
        that chain to ``letters-tsa-ca.cert.pem``."""
        self._office = load_cert_from_pemder(str(keys / "letters-office.cert.pem"))
        ca = keys / "letters-ca.cert.pem"
        self._ca = load_cert_from_pemder(str(ca))
        self._stamps = load_cert_from_pemder(str(ca if own_stamps else keys / "letters-tsa-ca.cert.pem"))

    async def is_ours(self, pdf: bytes) -> bool:
        """Whether a PDF bears this office's signature, dated, and nothing was changed or added since. Never raises.

        A signature does not cover the hole in the file where it stands itself, with its padding (ISO 32000-2, 12.8.1):
        that every byte is as it was is told by the archive's digest alone.
        """
        try:
            reader = PdfFileReader(io.BytesIO(pdf))
            embedded = reader.embedded_regular_signatures
            if len(embedded) != 1 or embedded[0].signer_cert.sha256 != self._office.sha256:
                return False
            # allow_fetching: no look-ups on the network while a stranger's file is checked
            status: Any = await async_validate_pdf_signature(
                embedded[0],
                ValidationContext(trust_roots=[self._ca], allow_fetching=False),
                ValidationContext(trust_roots=[self._stamps], allow_fetching=False),
            )
        except (PdfError, SignatureValidationError, ArithmeticError, LookupError, TypeError, ValueError):
            return False
        except (AttributeError, AssertionError, RecursionError, NotImplementedError):
            # what pyHanko's parser also raises on files that are broken on purpose
            return False
        dated = status.timestamp_validity is not None
        return bool(dated and status.bottom_line and status.coverage.name == "ENTIRE_FILE")


class Office:
    """The office that signs: its key and chain, and who dates its signatures."""

    def __init__(self, keys: Path, *, tsa_url: str | None) -> None:
        """``keys`` is the folder of ``letters-*.pem``. Without ``tsa_url`` a development unit of our own dates the
        signatures, which proves a time only as far as one trusts us."""
        ca = load_cert_from_pemder(str(keys / "letters-ca.cert.pem"))
        self._signer = FileSigner(keys, "letters-office", chain=[ca])
        self._timestamps = time_stamper(keys, tsa_url)
        self._trust = Trust(keys, own_stamps=tsa_url is None)

    async def sign(self, pdf: bytes, language: Language) -> bytes:
        """The signed PDF, checked. ``language`` is the letter's, whose seal is on the left or on the right. Raises
        ``NotSigned``."""
        signer = signers.PdfSigner(
            signers.PdfSignatureMetadata(
                field_name=FIELD,
                md_algorithm="sha256",
                subfilter=SigSeedSubFilter.PADES,
                location="Tehran",
                certify=True,
                docmdp_permissions=MDPPerm.NO_CHANGES,
            ),
            signer=self._signer,
            timestamper=self._timestamps,
            # nothing: the page shows the seal already, and a text of pyHanko's would bring a font that is not embedded
            stamp_style=StaticStampStyle(border_width=0),
        )
        try:
            # Typst ends its files without an end of line, and an incremental update begins on a new one
            writer = _Writer(io.BytesIO(pdf if pdf.endswith(b"\n") else pdf + b"\n"))
            add_field(writer, language)
            out = await signer.async_sign_pdf(writer)
        except (PdfError, SigningError, LookupError, OSError) as error:
            raise NotSigned(type(error).__name__) from error
        signed: bytes = out.getvalue()
        if not await self._trust.is_ours(signed):
            raise NotSigned("the signature does not pass the check")
        return signed
