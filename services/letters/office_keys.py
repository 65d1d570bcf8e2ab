"""The office's key and certificate for development: ``python -m services.letters.office_keys DIR``.

A small chain of our own: an authority, the office that signs letters, and a time-stamping unit. In production the
office's key comes from a recognised authority (and may live in an HSM), and time stamps from a real TSA.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS = 10
_ORGANISATION = "Ministry of Cooperatives, Labour and Social Welfare (development)"


def make_office_keys(folder: Path) -> None:
    """Makes ``letters-{ca,office,tsa}.cert.pem`` and the keys of office and TSA, mode 600; existing ones are never
    touched. The authority's own key is not kept: it signs these two and no more. Raises OSError."""
    if (folder / "letters-office.key.pem").exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ca_key: ec.EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("Seda development CA", ca_key, None, ca_key, usage=None)
    _write(folder / "letters-ca.cert.pem", ca.public_bytes(Encoding.PEM))
    # the office's key last: it says that all are there
    for name, title, usage in (
        ("tsa", "Development time stamps", ExtendedKeyUsageOID.TIME_STAMPING),
        ("office", "Office of letters", None),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(title, key, ca, ca_key, usage=usage)
        _write(folder / f"letters-{name}.cert.pem", certificate.public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(folder / f"letters-{name}.key.pem", pem)


def _certificate(
    title: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    usage: x509.ObjectIdentifier | None,
) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "IR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, title),
        ]
    )
    now = datetime.now(UTC)
    is_ca = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_ca,
                content_commitment=not is_ca and usage is None,
                key_cert_sign=is_ca,
                crl_sign=is_ca,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _write(path: Path, content: bytes) -> None:
    half = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m services.letters.office_keys DIR")
    make_office_keys(Path(sys.argv[1]))
