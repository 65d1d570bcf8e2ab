"""The words of the report."""

from shared.contracts.envelope import CaseKind, Channel

KINDS: dict[CaseKind, str] = {"complaint": "شکایت", "request": "درخواست", "suggestion": "پیشنهاد"}

CHANNELS: dict[Channel, str] = {
    "app": "برنامهٔ همراه",
    "web": "درگاه وب",
    "phone": "تلفن",
    "in_person": "حضوری",
    "letter": "نامه",
    "partner": "سامانه‌های همکار",
}

TRIAGE = "در انتظار ارجاع"
COUNTRY = "سراسر کشور"
METHODS = {
    "rolling": "میانگین دوازده ماه گذشته",
    "harmonic": "روند و الگوی فصلی تا پنج سال گذشته",
}
