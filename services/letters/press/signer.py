"""A signer with its key in a file, read once; pyHanko's own reads and checks it at each signature (40 ms)."""

from pathlib import Path

from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyhanko.keys import load_cert_from_pemder
from pyhanko.sign.signers import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from services.letters.press.asn1 import mend

mend()


class UnusableKey(Exception):
    """The key is neither of an elliptic curve nor RSA."""


class FileSigner(Signer):
    """Signs with ``<name>.key.pem`` beside ``<name>.cert.pem``; ``chain`` is embedded with the certificate."""

    def __init__(self, folder: Path, name: str, chain: list[x509.Certificate]) -> None:
        """Raises OSError or ValueError if the files cannot be read, ``UnusableKey``."""
        key = load_pem_private_key((folder / f"{name}.key.pem").read_bytes(), None)
        if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
            raise UnusableKey(name)
        self._key = key
        self.certificate: x509.Certificate = load_cert_from_pemder(str(folder / f"{name}.cert.pem"))
        super().__init__(
            signing_cert=self.certificate,
            cert_registry=SimpleCertificateStore.from_certs(chain),
        )

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """As ``Signer.async_sign_raw``; a dry run asks for the size only."""
        digest = get_pyca_cryptography_hash(digest_algorithm)
        if isinstance(self._key, RSAPrivateKey):
            return bytes(self._key.key_size // 8) if dry_run else self._key.sign(data, PKCS1v15(), digest)
        if dry_run:
            # two integers with their headers in a sequence (RFC 3279, 2.2.3)
            return bytes(2 * (self._key.key_size // 8 + 4) + 4)
        return self._key.sign(data, ECDSA(digest))
