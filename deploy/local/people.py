"""The demo's staff and partner, with passwords random per machine: ``.local/demo-logins.json``."""

import secrets
from pathlib import Path
from typing import Any

import orjson

from deploy.local.files import write_private
from shared.persian.places import PROVINCES

TAXONOMY = Path(__file__).resolve().parents[2] / "services" / "routing" / "data" / "taxonomy.json"

_CENTRE = "مرکز بازرسی، ارزیابی عملکرد و روابط عمومی"
_INSPECTORS = {
    "tehran": ("IR-23", "نسرین کاوه‌پور"),
    "isfahan": ("IR-10", "بهرام صفاپیشه"),
    "khuzestan": ("IR-06", "لیلا کارون‌نژاد"),
}
_BODY = "sso-insurance"
"""Whose own inspector never sees a report about the body that it is a department of."""
_CUSTODIANS = ("شهین دادورز", "کیوان رازبان", "پریسا مهرآیین", "فرهاد نیک‌اندیش", "سیما روشن‌رای")


def staff() -> list[dict[str, Any]]:
    """Everybody of the demo's staff: username, roles, name, title, and where they work."""
    departments = [entry for entry in orjson.loads(TAXONOMY.read_bytes())["departments"] if entry["pipeline"] == "zrm"]
    people = [
        {
            "username": f"officer.{entry['id']}",
            "roles": ["officer"],
            "department_id": entry["id"],
            "province": "IR-23",
            "name": "کارشناس نمونه",
            "title": f"کارشناس {entry['name_fa']}",
        }
        for entry in departments
    ]
    # whoever decided a case does not review it when it is opened again
    people += [{**person, "username": f"officer2.{person['department_id']}"} for person in people]
    people += [
        {
            "username": f"manager.{entry['id']}",
            "roles": ["manager"],
            "department_id": entry["id"],
            "name": "مدیر نمونه",
            "title": f"مدیر {entry['name_fa']}",
        }
        for entry in departments
    ]
    people += [
        {"username": "centre", "roles": ["centre"], "name": "کارشناس مرکز", "title": _CENTRE},
        {"username": "group", "roles": ["group"], "name": "دبیر کارگروه", "title": "کارگروه صدای بی‌صدایان"},
        {"username": "operator", "roles": ["operator"], "name": "متصدی ثبت", "title": "میز ثبت درخواست‌ها"},
        {"username": "admin", "roles": ["admin"], "name": "راهبر سامانه", "title": "راهبری سامانه"},
        {"username": "supervisor", "roles": ["supervisor"], "name": "مهری آذرنیوش", "title": _CENTRE},
    ]
    people += [
        {
            "username": f"inspector.{name}",
            "roles": ["inspector"],
            "province": code,
            "name": person,
            "title": f"بازرس استان {PROVINCES[code].name_fa}",
        }
        for name, (code, person) in _INSPECTORS.items()
    ]
    people.append(
        {
            "username": f"inspector.{_BODY}",
            "roles": ["inspector"],
            "department_id": _BODY,
            "province": "IR-23",
            "name": "جمشید بیمه‌گر",
            "title": "بازرس تأمین اجتماعی",
        }
    )
    people += [
        {"username": f"custodian.{n}", "roles": ["custodian"], "name": person, "title": "امین کلید"}
        for n, person in enumerate(_CUSTODIANS, 1)
    ]
    return people


def write_logins(path: Path) -> list[dict[str, Any]]:
    """Everybody's logins, kept between starts; also written beside, with the names that the directory needs.

    Returns the public list, ``[{username, password, roles, department_id?, province?}]``, as it stands in ``path``.
    """
    known = {entry["username"]: entry["password"] for entry in orjson.loads(path.read_bytes())} if path.exists() else {}
    logins = [{**person, "password": known.get(person["username"]) or secrets.token_urlsafe(12)} for person in staff()]
    public: list[dict[str, Any]] = [
        {key: person[key] for key in ("username", "password", "roles", "department_id", "province") if key in person}
        for person in logins
    ]
    _write(path, public)
    partner_path = path.with_name("demo-partner.json")
    if partner_path.exists():
        partner = orjson.loads(partner_path.read_bytes())
    else:
        partner = {"client_id": "sandbox", "client_secret": secrets.token_urlsafe(24)}
        _write(partner_path, partner)
    sandbox = {**partner, "name": "شریک آزمایشی", "scopes": ["cases:write", "webhooks"]}
    _write(path.with_name("seed-people.json"), [*logins, sandbox])
    return public


def _write(path: Path, document: object) -> None:
    write_private(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))
