"""Segments against tables and split points published by others, and against what the standard forbids."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sms.segments import Encoding, decode_gsm, encode_gsm, segment

# The Unicode Consortium's MAPPINGS/ETSI/GSM0338.TXT as the PyPI package gsm0338 1.1.0 has it (0x09 is Ç, as in the
# ETSI standard): code:letter in hexadecimal.
GSM_TABLE = """
00:0040 01:00a3 02:0024 03:00a5 04:00e8 05:00e9 06:00f9 07:00ec 08:00f2 09:00c7 0a:000a 0b:00d8 0c:00f8 0d:000d
0e:00c5 0f:00e5 10:0394 11:005f 12:03a6 13:0393 14:039b 15:03a9 16:03a0 17:03a8 18:03a3 19:0398 1a:039e 1c:00c6
1d:00e6 1e:00df 1f:00c9 20:0020 21:0021 22:0022 23:0023 24:00a4 25:0025 26:0026 27:0027 28:0028 29:0029 2a:002a
2b:002b 2c:002c 2d:002d 2e:002e 2f:002f 30:0030 31:0031 32:0032 33:0033 34:0034 35:0035 36:0036 37:0037 38:0038
39:0039 3a:003a 3b:003b 3c:003c 3d:003d 3e:003e 3f:003f 40:00a1 41:0041 42:0042 43:0043 44:0044 45:0045 46:0046
47:0047 48:0048 49:0049 4a:004a 4b:004b 4c:004c 4d:004d 4e:004e 4f:004f 50:0050 51:0051 52:0052 53:0053 54:0054
55:0055 56:0056 57:0057 58:0058 59:0059 5a:005a 5b:00c4 5c:00d6 5d:00d1 5e:00dc 5f:00a7 60:00bf 61:0061 62:0062
63:0063 64:0064 65:0065 66:0066 67:0067 68:0068 69:0069 6a:006a 6b:006b 6c:006c 6d:006d 6e:006e 6f:006f 70:0070
71:0071 72:0072 73:0073 74:0074 75:0075 76:0076 77:0077 78:0078 79:0079 7a:007a 7b:00e4 7c:00f6 7d:00f1 7e:00fc
7f:00e0 1b0a:000c 1b14:005e 1b28:007b 1b29:007d 1b2f:005c 1b3c:005b 1b3d:007e 1b3e:005d 1b40:007c 1b65:20ac
"""

GSM_LETTERS = {chr(int(letter, 16)): bytes.fromhex(code) for code, letter in (e.split(":") for e in GSM_TABLE.split())}


def test_the_alphabet_is_the_standards_one() -> None:
    assert len(GSM_LETTERS) == 127 + 10
    assert {letter: encode_gsm(letter) for letter in GSM_LETTERS} == GSM_LETTERS
    for code in range(0x11000):
        letter = chr(code)
        if letter not in GSM_LETTERS:
            with pytest.raises(ValueError, match="not in the GSM alphabet"):
                encode_gsm(letter)


def test_a_septet_outside_the_tables_is_shown_as_unknown() -> None:
    assert decode_gsm(bytes.fromhex("41 1b65 1b41 80 1b")) == "A€\ufffd\ufffd\ufffd"


# Split points from the test data of Codesleuth/split-sms (MIT), test/testdata/{gsm,unicode}.test.json.
RULER = "".join(f"{n}{'-' * (9 - len(str(n)))}<" for n in range(16))
SNOWMAN, WHALE = "\u2603", "\U0001f433"
SPLIT_SMS = [
    (RULER, [160]),
    (RULER + "1", [153, 8]),
    (RULER[:153] * 2, [153, 153]),
    (RULER[:153] * 2 + "-", [153, 153, 1]),
    (RULER[:159] + "€", [153, 7]),
    (RULER[:152] + "€------<", [152, 8]),
    (("|^€{}[~]\\" * 9)[:80], [80]),
    (WHALE, [1]),
    (WHALE + SNOWMAN + WHALE, [3]),
    (SNOWMAN * 70, [70]),
    (WHALE * 35, [35]),
    ((SNOWMAN + WHALE) * 23 + SNOWMAN, [47]),
    (SNOWMAN * 71, [67, 4]),
    (SNOWMAN * 66 + WHALE + SNOWMAN * 3, [66, 4]),
]
# From TwilioDevEd/message-segment-calculator (MIT), tests/index.test.js.
DIGITS = "1234567890" * 20
TWILIO = [
    ("{" + DIGITS[1:159], Encoding.GSM7, 1),
    ("{" + DIGITS[1:160], Encoding.GSM7, 2),
    ("😜" + DIGITS[1:69], Encoding.UCS2, 1),
    ("😜" + DIGITS[1:70], Encoding.UCS2, 2),
]


@pytest.mark.parametrize(("text", "lengths"), SPLIT_SMS)
def test_parts_end_where_others_end_them(text: str, lengths: list[int]) -> None:
    parts = segment(text).parts
    assert [len(part) for part in parts] == lengths
    assert "".join(parts) == text


@pytest.mark.parametrize(("text", "encoding", "count"), TWILIO)
def test_as_many_parts_as_others_count(text: str, encoding: Encoding, count: int) -> None:
    segments = segment(text)
    assert (segments.encoding, len(segments.parts)) == (encoding, count)


def test_a_zero_width_non_joiner_counts_one() -> None:
    word = "می\u200cشود"
    assert len(word) == 6
    assert len(segment(word * 11 + "نامه").parts) == 1
    assert [len(part) for part in segment(word * 11 + "نامه‌").parts] == [67, 4]


def test_persian_is_ucs2_and_latin_is_not() -> None:
    assert segment("کد 123456").encoding is Encoding.UCS2
    assert segment("Code 123456").encoding is Encoding.GSM7
    assert segment("").parts == ("",)


@pytest.mark.parametrize("text", ["\ud83d", "a\udc33", "سلام \ud83d"])
def test_half_a_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        segment(text)


def test_what_no_header_can_count_is_refused() -> None:
    assert len(segment("س" * 67 * 255).parts) == 255
    with pytest.raises(ValueError, match="256 parts"):
        segment("س" * (67 * 255 + 1))


whole_letters = st.characters(exclude_categories=["Cs"])


@settings(deadline=None)
@given(st.one_of(st.text(st.sampled_from(sorted(GSM_LETTERS)), max_size=700), st.text(whole_letters, max_size=300)))
def test_every_part_fits_and_is_whole(text: str) -> None:
    segments = segment(text)
    assert "".join(segments.parts) == text
    octets = segments.octets()
    if segments.encoding is Encoding.GSM7:
        limit = 160 if len(octets) == 1 else 153
        assert [decode_gsm(part) for part in octets] == list(segments.parts)
    else:
        limit = 140 if len(octets) == 1 else 134
        assert [part.decode("utf-16-be") for part in octets] == list(segments.parts)
    assert all(len(part) <= limit for part in octets)
