import pytest

from shared.kit.tlog.checkpoint import LARGEST_SIZE, Checkpoint, decimal_of
from shared.kit.tlog.notes import Malformed, Note

# the example of https://c2sp.org/tlog-checkpoint
NOTE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeM"
    "cTOAYQ8=\n"
)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_the_published_example() -> None:
    note = Note.parse(NOTE)
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.extensions == ()
    assert str(checkpoint) == note.text


def test_extension_lines_are_kept() -> None:
    text = f"seda.test/log\n7\n{ROOT}\nfirst\nsecond\n"
    assert Checkpoint.parse(text).extensions == ("first", "second")
    assert str(Checkpoint.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seda.test/log\n7\n",
        f"seda.test/log\n7\n{ROOT}",
        f"\n7\n{ROOT}\n",
        f"seda.test/log\n07\n{ROOT}\n",
        f"seda.test/log\n-7\n{ROOT}\n",
        f"seda.test/log\n۷\n{ROOT}\n",
        f"seda.test/log\n7\n{ROOT}\n\nafter\n",
        f"seda.test/log\n7\n{ROOT[:-4]}\n",
        f"seda.test/log\n{LARGEST_SIZE + 1}\n{ROOT}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


def test_sizes() -> None:
    assert decimal_of("0") == 0
    assert decimal_of(str(LARGEST_SIZE)) == LARGEST_SIZE
    for text in ("", "00", "+1", " 1", "1\n", "1" * 5000):
        with pytest.raises(Malformed):
            decimal_of(text)
