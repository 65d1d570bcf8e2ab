import hmac
import pickle
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.sealing.age import SecretKey, open_sealed, seal
from services.integrity.sealing.bech32 import encode
from services.integrity.sealing.receipt_code import NotAReceiptCode, ReceiptCode, check_digit
from shared.persian.digits import to_persian

codes = st.integers(0, 10**32 - 1).map(lambda n: str(n).zfill(32))


def _code(digits: str) -> ReceiptCode:
    return ReceiptCode(digits[:8], digits[8:])


def test_the_published_check_digit() -> None:
    # H. M. Damm's own example: 572 has the check digit 4
    assert check_digit("572") == "4"
    assert check_digit("5724") == "0"


@given(codes)
def test_every_wrong_digit_and_every_swap_of_neighbours_is_noticed(digits: str) -> None:
    digits += check_digit(digits)
    for place, right in enumerate(digits):
        for wrong in "0123456789".replace(right, ""):
            assert check_digit(digits[:place] + wrong + digits[place + 1 :]) != "0"
    for place in range(len(digits) - 1):
        if digits[place] != digits[place + 1]:
            swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
            assert check_digit(swapped) != "0"


def test_swaps_over_a_digit_are_mostly_but_not_always_noticed() -> None:
    swaps = [f"{a}{b}{c}" for a in range(10) for b in range(10) for c in range(10) if a != c]
    missed = sum(check_digit(swap) == check_digit(swap[::-1]) for swap in swaps)
    assert 0 < missed / len(swaps) < 0.15


@given(codes)
def test_a_shown_code_is_read_back(digits: str) -> None:
    shown = _code(digits).shown()
    assert [len(group) for group in shown.split(" ")] == [4] * 8 + [1]
    for typed in (
        shown,
        shown.replace(" ", ""),
        to_persian(shown),
        shown.replace(" ", "-"),
        shown.replace(" ", "\u200c"),
        f"\u200f  {to_persian(shown)}\n",
        shown.replace(" ", " – "),
    ):
        code = ReceiptCode.parse(typed)
        assert code.locator == digits[:8]
        assert code.shown() == shown


@given(codes, st.integers(0, 32), st.integers(1, 9))
def test_a_slip_is_refused_without_saying_what_was_typed(digits: str, place: int, by: int) -> None:
    typed = _code(digits).shown().replace(" ", "")
    wrong = typed[:place] + str((int(typed[place]) + by) % 10) + typed[place + 1 :]
    with pytest.raises(NotAReceiptCode) as refused:
        ReceiptCode.parse(wrong)
    assert str(refused.value) == "a digit of the receipt code is wrong"


@pytest.mark.parametrize(
    "typed", ["", "1", "x" * 33, "1" * 32, "1" * 34, "0" * 33 + "\x00", "0" * 10_000, "٣" * 32 + "²"]
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(NotAReceiptCode):
        ReceiptCode.parse(typed)
    with pytest.raises(NotAReceiptCode):
        ReceiptCode(typed[:8], typed[8:] + "x")


def test_generated_codes_are_new_and_never_shown_by_accident() -> None:
    made = [ReceiptCode.generate() for _ in range(200)]
    assert len({code.shown() for code in made}) == 200
    assert len({code.locator[0] for code in made}) == 10
    secret = made[0].shown()
    assert repr(made[0]) == "<ReceiptCode>"
    assert secret not in str(made[0])
    with pytest.raises(TypeError):
        pickle.dumps(made[0])


def test_the_derivation_step_by_step() -> None:
    """Clients derive by themselves: OpenSSL's Argon2 and HKDF by its definition (RFC 5869, 2.3) give the same keys."""
    keys = _code("1234567890" * 3 + "12").derive("seda.test/integrity")
    salt = sha256(b"seda.test/integrity" + b"12345678").digest()
    argon2 = Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=65536)
    master = argon2.derive(b"901234567890123456789012")
    assert keys.auth == hmac.digest(master, b"seda receipt auth\x01", "sha256")
    box = hmac.digest(master, b"seda receipt box\x01", "sha256")
    assert keys.box.recipient == encode("age", X25519PrivateKey.from_private_bytes(box).public_key().public_bytes_raw())
    assert keys.auth.hex() == "ba309cdb4822cf900218fbcb8af1bb5cc3f036011b324ddbc495dd0b2e699b8f"


def test_a_codes_keys() -> None:
    code = _code("1234567890" * 3 + "12")
    keys = code.derive("seda.test/integrity")
    again = ReceiptCode.parse(to_persian(code.shown())).derive("seda.test/integrity")
    assert (keys.auth, keys.box.recipient) == (again.auth, again.box.recipient)
    assert keys.auth_hash == sha256(keys.auth).digest()
    assert keys.auth.hex() not in repr(keys)
    assert open_sealed(seal(b"outcome", [keys.box.recipient]), again.box) == b"outcome"
    # pyrage, and with it the stock tool, takes the identity as text
    assert SecretKey.parse(keys.box.secret_text()).recipient == keys.box.recipient
    elsewhere = code.derive("seda.other/integrity")
    neighbour = _code("1234567990" * 3 + "12").derive("seda.test/integrity")
    assert len({keys.auth, elsewhere.auth, neighbour.auth}) == 3
    assert len({keys.box.recipient, elsewhere.box.recipient, neighbour.box.recipient}) == 3
