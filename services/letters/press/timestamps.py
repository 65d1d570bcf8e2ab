"""Who dates the office's signatures (RFC 3161): a real authority over HTTP, or, in development, one of our own."""

from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import cms, core, tsp, x509
from pyhanko.sign.timestamps import HTTPTimeStamper, TimeStamper
from pyhanko.sign.timestamps.common_utils import get_nonce

from services.letters.press.signer import FileSigner

_TIMEOUT_SECONDS = 10

DEVELOPMENT_POLICY = "2.999.1"
"""In each development stamp, so that nobody takes it for more: 2.999 is the arc for examples (ITU-T X.660)."""


class DevelopmentTimeStamper(TimeStamper):
    """Stamps with this machine's clock and a key that lies beside the office's: it shows the form of a dated signature
    and proves no time. pyHanko's own (``DummyTimeStamper``) speaks RSA only and takes 90 ms a stamp."""

    def __init__(self, signer: FileSigner) -> None:
        TimeStamper.__init__(self)
        self._signer = signer

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Answers a request as an authority would (RFC 3161, 2.4.2)."""
        stamp = {
            "version": "v1",
            "policy": tsp.ObjectIdentifier(DEVELOPMENT_POLICY),
            "message_imprint": req["message_imprint"],
            "serial_number": get_nonce(),
            "gen_time": core.GeneralizedTime(datetime.now(UTC)),
            "tsa": x509.GeneralName(name="directory_name", value=self._signer.certificate.subject),
        }
        if req["nonce"].native is not None:
            stamp["nonce"] = req["nonce"]
        token = await self._signer.async_sign_general_data(
            cms.EncapsulatedContentInfo(
                {"content_type": "tst_info", "content": core.ParsableOctetString(tsp.TSTInfo(stamp).dump())}
            ),
            "sha256",
            detached=False,
            use_cades=True,
        )
        answer = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
        # as if it had come over the wire: asn1crypto encodes a tree that was built in memory anew at every level
        return tsp.TimeStampResp.load(answer.dump())


def time_stamper(keys: Path, url: str | None) -> TimeStamper:
    """The authority at ``url``; without one, that of development, with ``letters-tsa.*.pem`` of the keys' folder."""
    if url is not None:
        return HTTPTimeStamper(url, timeout=_TIMEOUT_SECONDS)
    return DevelopmentTimeStamper(FileSigner(keys, "letters-tsa", chain=[]))
