"""Files sent through the simulated Telegram: pictures measured, ids given, bytes kept for download."""

from __future__ import annotations

import hashlib
import mimetypes
import struct
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from sim.telegram.errors import ApiError, bad_request

PHOTO_BYTES = 10 * 1024 * 1024
DOCUMENT_BYTES = 50 * 1024 * 1024
DOWNLOAD_BYTES = 20 * 1024 * 1024
_SIDES = 10_000
_RATIO = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file part of a multipart request."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A stored picture (`photo`) or file (`document`)."""

    kind: str
    file_id: str
    unique_id: str
    name: str
    mime: str
    path: str
    data: bytes = field(repr=False)
    width: int = 0
    height: int = 0
    saved: Path | None = None
    """Where a person can open it, when the server saves what it gets."""

    def wire(self) -> dict[str, Any]:
        """The message field that carries it."""
        file = {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": len(self.data)}
        if self.kind == "photo":
            return {"photo": [file | {"width": self.width, "height": self.height}]}
        return {"document": file | {"file_name": self.name, "mime_type": self.mime}}


class FileStore:
    """Every file the bot sent, by id. With a folder, each new one is also written there for people to open."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._by_id: dict[str, Media] = {}
        self._by_path: dict[str, Media] = {}
        self._by_unique: dict[str, Media] = {}

    def add(self, kind: str, upload: Upload) -> Media:
        """Store an upload as a `photo` or `document`. Raises `ApiError` for what Telegram would not take."""
        _check_size(kind, upload.data)
        width, height = _checked_sides(upload.data) if kind == "photo" else (0, 0)
        number = len(self._by_id)
        digest = hashlib.sha256(upload.data).hexdigest()
        name = _name(kind, upload)
        media = Media(
            kind=kind,
            file_id=f"{'AgAC' if kind == 'photo' else 'BQAC'}{digest[:24]}_{number}",
            unique_id=f"AQAD{digest[:12]}{number}",
            name=name,
            mime=mimetypes.guess_type(name)[0] or "application/octet-stream",
            path=f"{kind}s/file_{number}{PurePosixPath(name).suffix}",
            data=upload.data,
            width=width,
            height=height,
            saved=self._save(number, name, upload.data),
        )
        self._by_id[media.file_id] = self._by_path[media.path] = self._by_unique[media.unique_id] = media
        return media

    def _save(self, number: int, name: str, data: bytes) -> Path | None:
        if self._folder is None:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{number:04d}-{name}"
        path.write_bytes(data)
        return path

    def reuse(self, kind: str, file_id: str) -> Media:
        """A file sent before. Raises `ApiError` when the id is unknown or of another kind."""
        media = self._by_id.get(file_id)
        if media is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if media.kind != kind:
            raise bad_request(f"can't use file of type {media.kind.title()} as {kind.title()}")
        return media

    def downloadable(self, file_id: str) -> Media:
        """A file the bot may download (20 MB at most)."""
        media = self._by_id.get(file_id)
        if media is None:
            raise bad_request("invalid file_id")
        if len(media.data) > DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return media

    def at(self, path: str) -> Media | None:
        """The file behind a download path."""
        return self._by_path.get(path)

    def shown(self, unique_id: str) -> Media | None:
        """The file behind the id the chat page uses."""
        return self._by_unique.get(unique_id)


def _check_size(kind: str, data: bytes) -> None:
    if not data:
        raise bad_request("file must be non-empty")
    if len(data) > (PHOTO_BYTES if kind == "photo" else DOCUMENT_BYTES):
        raise ApiError(413, "Request Entity Too Large")


def _checked_sides(data: bytes) -> tuple[int, int]:
    width, height = picture_size(data)
    if not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if width + height > _SIDES or max(width, height) > _RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height


def _name(kind: str, upload: Upload) -> str:
    """The bare file name; a picture's ending is that of its real format, since clients often send none."""
    name = PurePosixPath(upload.name.replace("\\", "/")).name or kind
    if kind == "document":
        return name
    suffix = {b"\x89P": ".png", b"GI": ".gif"}.get(upload.data[:2], ".jpg")
    return name if name.endswith(suffix) else f"photo{suffix}"


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG, GIF or JPEG in pixels; (0, 0) for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return int(width), int(height)
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return int(width), int(height)
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else (0, 0)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    pos = 2
    while pos + 9 <= len(data) and data[pos] == 0xFF:
        marker, length = struct.unpack(">xBH", data[pos : pos + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[pos + 5 : pos + 9])
            return int(width), int(height)
        pos += 2 + length
    return 0, 0
