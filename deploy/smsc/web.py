"""The simulator's HTTP side: phones to look at and to write from, and the faults."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from pydantic import AfterValidator, BaseModel, Field

from deploy.smsc.faults import Faults
from deploy.smsc.server import Smsc

_PAGE = Path(__file__).with_name("phones.html")


def _is_number(value: str) -> str:
    digits = value.removeprefix("+")
    if not (value.startswith("+") and digits.isascii() and digits.isdecimal()):
        raise ValueError("a phone is named by its number, +98…")
    return value


Number = Annotated[str, Field(max_length=16), AfterValidator(_is_number)]


class PhoneText(BaseModel):
    """A text at a phone; all parts of a long one are joined."""

    text: str
    sender: str = Field(serialization_alias="from")
    received_at: datetime


class PhoneTexts(BaseModel):
    """Newest last."""

    items: list[PhoneText]


class Phone(BaseModel):
    """A phone that shows something."""

    number: str
    texts: int


class Phones(BaseModel):
    """In the order in which they got their first text."""

    items: list[Phone]


class NewText(BaseModel):
    """A text written at a phone; without ``to`` it answers whoever wrote last."""

    text: str = Field(min_length=1, max_length=10_000)
    to: str | None = Field(default=None, min_length=1, max_length=20)


class Sent(BaseModel):
    """How many short messages the text became."""

    parts: int


class Health(BaseModel):
    """``simulator`` is always true: no text leaves this machine."""

    status: str = "ok"
    simulator: bool = True
    bound: int


def create_app(smsc: Smsc) -> FastAPI:
    """The HTTP application over a running ``smsc``; its OpenAPI is at ``/openapi.json``."""
    app = FastAPI(title="SMSC simulator", description="A simulator: no text leaves this machine.", version="1")
    page = _PAGE.read_text("utf-8")

    @app.get("/", response_class=HTMLResponse)
    async def look() -> str:
        return page

    @app.get("/healthz")
    async def health() -> Health:
        return Health(bound=smsc.bound)

    @app.get("/phones")
    async def phones() -> Phones:
        return Phones(items=[Phone(number=number, texts=texts) for number, texts in smsc.store.phones().items()])

    @app.get("/phones/{number}/messages")
    async def messages(number: Number) -> PhoneTexts:
        return PhoneTexts(
            items=[
                PhoneText(text=text.text, sender=text.sender, received_at=text.received_at)
                for text in smsc.store.texts(number)
            ]
        )

    @app.post("/phones/{number}/messages", status_code=202)
    async def write(number: Number, new: NewText) -> Sent:
        try:
            return Sent(parts=smsc.text_from_phone(number, new.text, new.to))
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    @app.get("/faults")
    async def faults() -> Faults:
        return smsc.faults

    @app.post("/faults")
    async def set_faults(new: Faults) -> Faults:
        given = {name: getattr(new, name) for name in new.model_fields_set}
        smsc.faults = smsc.default_faults().model_copy(update=given)
        return smsc.faults

    return app
