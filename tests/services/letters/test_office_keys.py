import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.letters.office_keys import make_office_keys


def test_keys_are_of_p256_and_for_their_owner_alone(keys: Path) -> None:
    for name in ("office", "tsa"):
        key = load_pem_private_key((keys / f"letters-{name}.key.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)
        certificate = x509.load_pem_x509_certificate((keys / f"letters-{name}.cert.pem").read_bytes())
        assert certificate.public_key() == key.public_key()
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o600}


def test_the_chain_is_that_of_the_authority_whose_key_is_gone(keys: Path) -> None:
    ca = x509.load_pem_x509_certificate((keys / "letters-ca.cert.pem").read_bytes())
    for name in ("office", "tsa"):
        x509.load_pem_x509_certificate((keys / f"letters-{name}.cert.pem").read_bytes()).verify_directly_issued_by(ca)
    assert not (keys / "letters-ca.key.pem").exists()


def test_keys_that_exist_are_never_touched(tmp_path: Path) -> None:
    make_office_keys(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    make_office_keys(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_was_half_made_is_made_anew(tmp_path: Path) -> None:
    make_office_keys(tmp_path)
    (tmp_path / "letters-office.key.pem").unlink()  # the last that is written
    make_office_keys(tmp_path)
    ca = x509.load_pem_x509_certificate((tmp_path / "letters-ca.cert.pem").read_bytes())
    for name in ("office", "tsa"):
        path = tmp_path / f"letters-{name}.cert.pem"
        x509.load_pem_x509_certificate(path.read_bytes()).verify_directly_issued_by(ca)


def test_as_a_command(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    subprocess.run([sys.executable, "-m", "services.letters.office_keys", str(folder)], check=True)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) == 5
