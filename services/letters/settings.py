"""What letters is told by its environment besides what every service is."""

from pathlib import Path

from pydantic import Field

from shared.kit.settings import ServiceSettings


class LettersSettings(ServiceSettings):
    """``fonts_dir``: Vazirmatn's files. ``letters_dir``: the archive. ``public_url``: of the gateway, for the QR code.
    ``letters_office``: the office's part of a number. ``letters_presses``: processes that render. ``tsa_url``: an
    RFC 3161 time-stamping authority; without one the office's own key dates the letter (development only).
    ``window_*_mm``: where the envelope's window is, from the page's left and top edge."""

    fonts_dir: Path = Path(".local/fonts")
    letters_dir: Path = Path(".local/letters")
    public_url: str = "http://127.0.0.1:8080"
    letters_office: str = Field(default="110", pattern=r"^[0-9]{1,6}$")
    letters_presses: int = Field(default=2, ge=1, le=8)
    tsa_url: str | None = None
    window_left_mm: float = 20
    window_top_mm: float = 50
