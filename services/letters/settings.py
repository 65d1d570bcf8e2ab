"""What letters is told by its environment besides what every service is."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from shared.kit.settings import ServiceSettings


class LettersSettings(ServiceSettings):
    """``fonts_dir``: Vazirmatn's files. ``letters_dir``: the archive. ``public_url``: of the gateway, for the QR code.
    ``letters_office``: the office's part of a number. ``letters_presses``: processes that render. ``tsa_url``: an
    RFC 3161 time-stamping authority; without one a unit of our own dates the letters, which only development may do.
    ``window_*_mm``: where the envelope's window is, from the page's left and top edge, and its size; by default that
    of C5 and DL envelopes (DIN 680), below the ministry's heading. ``letters_address_*``, ``letters_phone``: of the
    ministry's centre, at the foot of each page."""

    fonts_dir: Path = Path(".local/fonts")
    letters_dir: Path = Path(".local/letters")
    public_url: str = "http://127.0.0.1:8080"
    letters_office: str = Field(default="110", pattern=r"^[0-9]{1,6}$")
    letters_presses: int = Field(default=2, ge=1, le=8)
    tsa_url: str | None = None
    window_left_mm: float = Field(default=20, ge=10)
    window_top_mm: float = Field(default=48, ge=42)
    window_width_mm: float = Field(default=90, ge=50)
    window_height_mm: float = Field(default=35, ge=20)
    letters_address_fa: str = "تهران، خیابان آزادی، نبش خیابان خوش"
    letters_address_en: str = "Azadi Street, corner of Khosh Street, Tehran"
    letters_phone: str | None = Field(default=None, pattern=r"^[0-9+ \-]{3,20}$")

    @model_validator(mode="after")
    def _window_is_on_the_page(self) -> Self:
        if self.window_left_mm + self.window_width_mm > 200 or self.window_top_mm + self.window_height_mm > 140:
            raise ValueError("the window is not on the upper half of an A4 page")
        return self

    @model_validator(mode="after")
    def _stamps_prove_a_time(self) -> Self:
        if self.environment == "production" and self.tsa_url is None:
            raise ValueError("in production SEDA_TSA_URL names a time-stamping authority")
        return self
