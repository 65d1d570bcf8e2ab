"""The office's signature: PAdES B-T (ETSI EN 319 142-1) by pyHanko, and the check whether a PDF bears it unbroken."""

import io
from pathlib import Path
from typing import Any

from pyhanko.keys import load_cert_from_pemder, load_private_key_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import DummyTimeStamper, HTTPTimeStamper, TimeStamper
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD = "Office"


class NotSigned(Exception):
    """The signature could not be made, or did not pass our own check."""


class _Writer(IncrementalPdfFileWriter):
    """Leaves the metadata alone: PDF/A wants XMP and Info to agree, and Typst wrote both."""

    def _update_meta(self) -> None:
        return


class Office:
    """The office that signs: its key and chain, and who dates its signatures."""

    def __init__(self, keys: Path, *, tsa_url: str | None) -> None:
        """``keys`` is the folder of ``letters-*.pem``. Without ``tsa_url`` a development unit of our own dates the
        signatures, which proves a time only as far as one trusts us."""
        self._ca = load_cert_from_pemder(str(keys / "letters-ca.cert.pem"))
        certificate = load_cert_from_pemder(str(keys / "letters-office.cert.pem"))
        chain = SimpleCertificateStore.from_certs([self._ca])
        self._signer = signers.SimpleSigner(
            signing_cert=certificate,
            signing_key=load_private_key_from_pemder(str(keys / "letters-office.key.pem"), None),
            cert_registry=chain,
        )
        self._timestamps = _timestamps(keys, tsa_url, chain)
        self._trust = [self._ca]

    async def sign(self, pdf: bytes) -> bytes:
        """The signed PDF, checked. Raises ``NotSigned``."""
        # Typst ends its files without an end of line, and an incremental update begins on a new one
        writer = _Writer(io.BytesIO(pdf if pdf.endswith(b"\n") else pdf + b"\n"))
        signer = signers.PdfSigner(
            signers.PdfSignatureMetadata(
                field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, location="Tehran"
            ),
            signer=self._signer,
            timestamper=self._timestamps,
            new_field_spec=SigFieldSpec(FIELD, on_page=0),
        )
        try:
            out = await signer.async_sign_pdf(writer)
        except (SigningError, OSError) as error:
            raise NotSigned(type(error).__name__) from error
        signed: bytes = out.getvalue()
        if not await self.is_ours(signed):
            raise NotSigned("the signature does not pass the check")
        return signed

    async def is_ours(self, pdf: bytes) -> bool:
        """Whether a PDF bears this office's signature and nothing was changed or added since."""
        try:
            reader = PdfFileReader(io.BytesIO(pdf))
            embedded = reader.embedded_regular_signatures
            if len(embedded) != 1:
                return False
            # allow_fetching: no look-ups on the network while a stranger's file is checked
            context = ValidationContext(trust_roots=self._trust, allow_fetching=False)
            status: Any = await async_validate_pdf_signature(embedded[0], context, context)
        except (PdfReadError, SignatureValidationError, ValueError, KeyError, IndexError, TypeError):
            return False
        return bool(status.bottom_line and status.coverage.name == "ENTIRE_FILE")


def _timestamps(keys: Path, tsa_url: str | None, chain: SimpleCertificateStore) -> TimeStamper:
    if tsa_url is not None:
        return HTTPTimeStamper(tsa_url)
    return DummyTimeStamper(
        load_cert_from_pemder(str(keys / "letters-tsa.cert.pem")),
        load_private_key_from_pemder(str(keys / "letters-tsa.key.pem"), None),
        certs_to_embed=chain,
    )
