"""Right-to-left pages: what must keep its own direction inside Persian text."""

import re

FSI = "\u2068"
PDI = "\u2069"

_PERSIAN = re.compile(
    "[\u0620-\u064a\u066e-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]"
)
_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))

_DIGIT = "0-9۰-۹"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
# no brackets: one half of a pair inside an isolate and the other outside would be mirrored wrongly
_BETWEEN = r"(?:://|[ .,:;/\\@_\-+&=?#%~'’–])"
_RUN = re.compile(
    # an IBAN, its digits in either script
    rf"IR[{_DIGIT}]{{2}}(?:[ \-]?[{_DIGIT}]{{4}}){{5}}[ \-]?[{_DIGIT}]{{2}}"
    # words, addresses and codes: a chain that has a Latin letter; bounded, so that long digits cost linear time
    rf"|(?:[{_DIGIT}]{{1,40}}+[._\-]?)?[{_LATIN}][{_LATIN}{_DIGIT}]*"
    rf"(?:{_BETWEEN}[{_LATIN}0-9]+)*"
    # telephone numbers: those with a plus, and those in groups that begin with zero
    rf"|\+[{_DIGIT}](?:[ .\-]?[{_DIGIT}]){{4,}}"
    rf"|(?<![{_DIGIT}])[0۰](?:[ .\-]?[{_DIGIT}]){{7,}}"
)


def isolate(text: str) -> str:
    """The text with each Latin run, IBAN and telephone number between FSI and PDI (UAX #9), its digits untouched.

    In a right-to-left paragraph ``+98 912 …`` or ``IR06 0170 …`` would else be shown with its groups in reverse.
    Isolates already there are replaced, so ``isolate(isolate(x)) == isolate(x)``. For what is printed or drawn; what
    is stored has none (``canon`` removes them).
    """
    return _RUN.sub(lambda run: f"{FSI}{run[0]}{PDI}", text.translate(_ISOLATES))


def has_persian(text: str) -> bool:
    """Whether there is a letter of the Arabic script, so that the text reads from the right."""
    return _PERSIAN.search(text) is not None
