"""Parameters of one Bot API call, typed on reading. A parameter arrives as text, as JSON text, or in a JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from sim.telegram.errors import bad_request
from sim.telegram.files import Upload


class Params:
    """The parameters of a call by name; absent and empty are the same."""

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self.values.get(name)
        return default if value is None else value if isinstance(value, str) else str(value)

    def number(self, name: str, default: int = 0) -> int:
        """An integer. Raises `ApiError` 400 for anything else."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise bad_request(f'invalid parameter "{name}": expected Integer') from None

    def flag(self, name: str) -> bool:
        """A boolean."""
        return self.text(name).lower() in ("true", "1", "yes")

    def json(self, name: str) -> Any:
        """A JSON-serialised object or array; None when absent. Raises `ApiError` 400 when it does not parse."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def objects(self, name: str) -> list[dict[str, Any]]:
        """An array of objects; empty when absent."""
        value = self.json(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_request(f"can't parse {name.replace('_', ' ')}: expected an Array of Objects")
        return value

    def numbers(self, name: str) -> list[int]:
        """An array of integers; empty when absent."""
        value = self.json(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise bad_request(f"can't parse {name.replace('_', ' ')}: expected an Array of Integers")
        return value

    def object(self, name: str) -> dict[str, Any] | None:
        """An object; None when absent."""
        value = self.json(name)
        if value is not None and not isinstance(value, dict):
            raise bad_request("object expected as " + name.replace("_", " "))
        return value

    def upload(self, name: str) -> Upload | None:
        """The file sent under `name`, directly or as `attach://part`; None when it is a plain string."""
        value = self.values.get(name)
        return value if isinstance(value, Upload) else self.attached(self.text(name))

    def attached(self, reference: str) -> Upload | None:
        """The file part an `attach://part` reference names; None for any other string."""
        if not reference.startswith("attach://"):
            return None
        part = self.values.get(reference.removeprefix("attach://"))
        if not isinstance(part, Upload):
            raise bad_request(f'attached file "{reference.removeprefix("attach://")}" not found')
        return part

    def plain(self) -> dict[str, Any]:
        """The parameters for the record, JSON texts opened up."""
        return {name: _opened(value) for name, value in self.values.items()}


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


async def read_params(request: web.Request) -> Params:
    """Query string and body together: form, multipart or JSON. Raises `ApiError` 400 for a broken body."""
    values: dict[str, Any] = dict(request.query) if request.query_string else {}
    kind = request.content_type
    if kind == "multipart/form-data":
        try:
            form = await request.post()
        except ValueError:
            raise bad_request("can't parse multipart body") from None
        values |= {name: _part(part) for name, part in form.items()}
    elif request.can_read_body:
        values |= _read_body(kind, await request.read())
    return Params(values)


def _part(part: str | bytes | bytearray | web.FileField) -> str | Upload:
    if isinstance(part, web.FileField):
        return Upload(name=part.filename, data=part.file.read())
    try:
        return part if isinstance(part, str) else part.decode()
    except UnicodeDecodeError:
        raise bad_request("strings must be encoded in UTF-8") from None


def _read_body(kind: str, body: bytes) -> dict[str, Any]:
    if kind == "application/json":
        try:
            values = orjson.loads(body)
        except orjson.JSONDecodeError:
            values = None
        if not isinstance(values, dict):
            raise bad_request("can't parse JSON object")
        return values
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
