"""An answer for any JSON schema, made from an opinion.

Understood: objects, arrays with bounds, enums, constants, bounded numbers, bounded strings, `null` among types,
`anyOf`/`oneOf`/`allOf`, and `$ref` to `$defs`. A `pattern` is met only by an id of the prompt.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sim.llm.claims import mentioned_in
from sim.llm.opinion import Opinion

Schema = Mapping[str, Any]
Path = tuple[str, ...]

DIRECTIONS = {
    "up": ("up", "상승", "bullish", "buy", "positive"),
    "flat": ("flat", "보합", "neutral", "hold"),
    "down": ("down", "하락", "bearish", "sell", "negative"),
}
REFERENCES = ("evidence", "reference", "source", "fact", "article", "_ids", "근거")
DEEPEST = 8


def answer(schema: Schema, opinion: Opinion) -> Any:
    """A value valid under `schema`."""
    return _Filling(schema, opinion).fill(schema, ())


class _Filling:
    def __init__(self, root: Schema, opinion: Opinion) -> None:
        self._root = root
        self._opinion = opinion

    def fill(self, schema: Schema, path: Path, place: int = 0, said: Sequence[str] = ()) -> Any:
        """A value for `schema` at `path`; `place` counts within an array, `said` are ids the siblings mention."""
        schema = self._resolved(schema, path)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema["enum"], path, place)
        match self._type(schema):
            case "object":
                return self._object(schema, path, place)
            case "array":
                return self._array(schema, path, said)
            case "string":
                return self._string(schema, path, place, said)
            case "integer" | "number" as kind:
                return self._number(schema, path, place, whole=kind == "integer")
            case "boolean":
                return self._opinion.random(path, place).random() < 0.5
        return None

    def _resolved(self, schema: Schema, path: Path) -> Schema:
        while True:
            if "$ref" in schema:
                target: Any = self._root
                for part in schema["$ref"].removeprefix("#/").split("/"):
                    target = target[part] if part and part != "#" else target
                schema = target
            elif branches := schema.get("anyOf") or schema.get("oneOf"):
                schema = self._branch(branches, path)
            elif "allOf" in schema:
                rest = {key: value for key, value in schema.items() if key != "allOf"}
                schema = _merged([*(self._resolved(part, path) for part in schema["allOf"]), rest])
            else:
                return schema

    def _branch(self, branches: Sequence[Schema], path: Path) -> Schema:
        """The first branch that is not null; null when the answer has grown deep."""
        null = [branch for branch in branches if branch.get("type") == "null"]
        rest = [branch for branch in branches if branch.get("type") != "null"]
        return null[0] if null and (len(path) >= DEEPEST or not rest) else rest[0]

    def _type(self, schema: Schema) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        return kind or ("object" if "properties" in schema else "string")

    def _choice(self, options: Sequence[Any], path: Path, place: int) -> Any:
        wanted = DIRECTIONS[self._opinion.direction(_sessions(path))]
        for option in options:
            if isinstance(option, str) and any(word in option.casefold() for word in wanted):
                return option
        if path and path[-1] == "horizon":
            return options[place % len(options)]
        return self._opinion.random(path, place).choice(list(options))

    def _object(self, schema: Schema, path: Path, place: int) -> dict[str, Any]:
        properties: dict[str, Schema] = dict(schema.get("properties", {}))
        if len(path) >= DEEPEST:
            properties = {name: properties[name] for name in schema.get("required", [])}
        made: dict[str, Any] = self._odds(properties, path, place)
        later = [name for name in properties if _refers(name) and self._is_array(properties[name], path)]
        for name, each in properties.items():
            if name not in made and name not in later:
                made[name] = self.fill(each, (*path, name), place)
        said = [id_ for text in made.values() if isinstance(text, str) for id_ in mentioned_in(text)]
        for name in later:
            made[name] = self.fill(properties[name], (*path, name), place, said)
        return {name: made[name] for name in properties}

    def _is_array(self, schema: Schema, path: Path) -> bool:
        return self._type(self._resolved(schema, path)) == "array"

    def _odds(self, properties: Mapping[str, Schema], path: Path, place: int) -> dict[str, float | int]:
        """Values for numbers called up, flat and down: probabilities that sum to one, or percent to a hundred."""
        found: dict[str, str] = {}
        for name, each in properties.items():
            if self._type(self._resolved(each, path)) in ("number", "integer"):
                found |= {way: name for way, words in DIRECTIONS.items() if set(words[:2]) & set(_words(name))}
        if len(found) != 3:
            return {}
        sessions = self._horizon(properties, path, place)
        shares = dict(zip(("up", "flat", "down"), self._opinion.odds(sessions), strict=True))
        percent = any(self._resolved(properties[name], path).get("maximum", 1) > 1 for name in found.values())
        whole = any(self._type(self._resolved(properties[name], path)) == "integer" for name in found.values())
        scale = 100 if percent or whole else 1
        return {name: round(shares[way] * scale) if scale > 1 else shares[way] for way, name in found.items()}

    def _horizon(self, properties: Mapping[str, Schema], path: Path, place: int) -> int:
        options = self._resolved(properties.get("horizon", {}), path).get("enum") or []
        return options[place % len(options)] if options and isinstance(options[0], int) else _sessions(path)

    def _array(self, schema: Schema, path: Path, said: Sequence[str]) -> list[Any]:
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", 3))
        item: Schema = schema.get("items", {})
        if len(path) >= DEEPEST:
            most = least
        resolved = self._resolved(item, path)
        if path and _refers(path[-1]) and self._type(resolved) == "string" and not {"enum", "const"} & set(resolved):
            ids = [id_ for id_ in self._opinion.references(said, kind=path[-1]) if _fits(id_, resolved)]
            if len(ids) >= least:
                return ids[:most]
        count = max(least, min(most, 3))
        if "enum" in resolved and schema.get("uniqueItems"):
            return list(resolved["enum"][:count])
        return [self.fill(item, path, place) for place in range(count)]

    def _string(self, schema: Schema, path: Path, place: int, said: Sequence[str]) -> str:
        if schema.get("format") in ("date", "date-time"):
            return "2000-01-01" + ("T00:00:00Z" if schema["format"] == "date-time" else "")
        if "pattern" in schema:
            ids = [*self._opinion.references(said), "없음"]
            return next((id_ for id_ in ids if re.search(schema["pattern"], id_)), ids[0])
        if path and path[-1] in ("id", "fact_id", "article_id"):
            return next(iter(self._opinion.references(said, kind=path[-1])), "없음")
        role = " ".join(path)
        return _fitted(self._opinion.sentence(role, place), schema.get("minLength", 0), schema.get("maxLength"))

    def _number(self, schema: Schema, path: Path, place: int, *, whole: bool) -> float | int:
        low, high = _bounds(schema, whole=whole)
        name = path[-1].casefold() if path else ""
        value = self._meant(name, path, high)
        if value is None:
            value = self._opinion.random(path, place).uniform(low, high)
        value = min(max(value, low), high)
        step = schema.get("multipleOf")
        if step:
            value = math.ceil(low / step) * step + math.floor((value - math.ceil(low / step) * step) / step) * step
        return round(value) if whole else round(value, 4) if low <= round(value, 4) <= high else value

    def _meant(self, name: str, path: Path, high: float) -> float | None:
        """The value of a number whose name says what it is."""
        if "target" in name or "목표" in name:
            return self._opinion.target(20 if "long" in name or "장기" in name else 5)
        scale = 100 if 1 < high <= 100 else 1
        if "probab" in name or "확률" in name:
            return max(self._opinion.odds(_sessions(path))) * scale
        return self._opinion.confidence * scale if "confidence" in name or "신뢰" in name else None


def _merged(parts: Sequence[Schema]) -> Schema:
    merged: dict[str, Any] = {}
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= part
        if properties:
            merged |= {"properties": properties, "required": required}
    return merged


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z가-힣]+|확률", name.casefold()) if word]


def _fits(text: str, schema: Schema) -> bool:
    within = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    return within and re.search(schema.get("pattern", ""), text) is not None


def _refers(name: str) -> bool:
    return any(word in name.casefold() for word in REFERENCES)


def _sessions(path: Path) -> int:
    """The horizon a path names (`sessions_5`, `d20`), 1 otherwise."""
    numbers = [int(found) for part in path for found in re.findall(r"\d+", part)]
    return numbers[-1] if numbers and 0 < numbers[-1] <= 250 else 1


def _bounds(schema: Schema, *, whole: bool) -> tuple[float, float]:
    nudge = 1 if whole else 1e-4
    low = schema.get("minimum", schema["exclusiveMinimum"] + nudge if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - nudge if "exclusiveMaximum" in schema else None)
    if low is None:
        low = min(0, high) if high is not None else 0
    return low, max(low, 10**9 if high is None else high)


def _fitted(text: str, least: int, most: int | None) -> str:
    while len(text) < least:
        text = f"{text} 지켜볼 필요가 있습니다."
    if most is None or len(text) <= most:
        return text
    return re.sub(r"\[[^\]]*$", "", text[:most]).ljust(least, ".")
