from services.integrity.sealing.bech32 import encode


def test_the_vector_of_bip_173() -> None:
    data = bytes.fromhex("c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d")
    assert encode("split", data) == "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"
    assert encode("a", b"") == "a12uel5l"
