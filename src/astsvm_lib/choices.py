"""Choices as frozen values: stages of named fields, to YAML and back, with a digest and clear errors.

The readings of the paper (:mod:`astsvm_lib.recipe`) and the settings of each method are made of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import digest


class Part(BaseModel):
    """A group of fields that belong to one stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def choice(reading: str, default: Any, description: str, **limits: Any) -> Any:
    """A field that stands for one of the readings R1-R15."""
    return Field(default=default, description=description, json_schema_extra={"reading": reading}, **limits)


def option(default: Any, description: str, **limits: Any) -> Any:
    """A field that no reading of the paper speaks of."""
    return Field(default=default, description=description, **limits)


@dataclass(frozen=True)
class ChoiceField:
    """One field, as the page of readings lists it; ``reading`` is empty where it is not one of the paper's."""

    stage: str
    name: str
    reading: str
    default: Any
    allowed: str
    description: str


class Choices(Part):
    """Stages of fields, each with a default.

    Attributes
    ----------
    called
        What error messages call it.
    """

    called: ClassVar[str] = "choices"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The given fields, and the defaults elsewhere.

        Raises
        ------
        CompanionError
            For an unknown field or a value that is not allowed; the message names it and says
            what is.
        """
        try:
            return cls.model_validate(_over_defaults(cls, values))
        except ValidationError as error:
            lines = dict.fromkeys(cls._explain(dict(item)) for item in error.errors())
            raise CompanionError("\n".join(lines)) from None

    @classmethod
    def from_yaml(cls, path: Path) -> Self:
        """Read a file; fields it leaves out keep their defaults.

        Raises
        ------
        CompanionError
            If the file cannot be read, is no YAML mapping, or has a wrong field or value.
        """
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise CompanionError(f"{cls.called} {path}: cannot be read ({error.strerror})") from None
        except yaml.YAMLError as error:
            raise CompanionError(f"{cls.called} {path}: not valid YAML ({error})") from None
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise CompanionError(f"{cls.called} {path}: expected a mapping of stages, found {type(values).__name__}")
        return cls.from_dict(values)

    def to_dict(self, *stages: str) -> dict[str, Any]:
        """Fields of some stages, or of all, as plain values."""
        return self.model_dump(mode="json", include=set(stages) or None)

    def to_yaml(self) -> str:
        """All fields as YAML, each with a comment that says what it is."""
        lines: list[str] = []
        stage = ""
        for field in self.fields():
            if field.stage != stage:
                stage = field.stage
                lines += ["", f"{stage}:"] if lines else [f"{stage}:"]
            value = getattr(getattr(self, stage), field.name)
            text = yaml.safe_dump(value).splitlines()[0]
            lines.append(f"  {field.name}: {text}  # {': '.join(filter(None, [field.reading, field.description]))}")
        return "\n".join(lines) + "\n"

    def digest(self, *stages: str) -> str:
        """Digest of some stages, or of all: what a cache or a record is keyed by."""
        return digest(self.to_dict(*stages))

    def replace(self, **stages: dict[str, Any]) -> Self:
        """A copy with some fields changed: ``recipe.replace(flow={"reference": "onset"})``."""
        values = self.to_dict()
        for stage, changes in stages.items():
            values[stage] = {**values.get(stage, {}), **changes}
        return self.from_dict(values)

    @classmethod
    def fields(cls) -> Iterator[ChoiceField]:
        """Every field, stage by stage."""
        for stage, part in cls.model_fields.items():
            for name, info in type(part.default).model_fields.items():
                extra = info.json_schema_extra
                reading = str(extra["reading"]) if isinstance(extra, dict) else ""
                default = getattr(part.default, name)
                yield ChoiceField(stage, name, reading, default, _allowed(info), str(info.description))

    @classmethod
    def _explain(cls, error: dict[str, Any]) -> str:
        """One line for one of pydantic's errors: where, what was found, what is allowed."""
        where = [str(part) for part in error["loc"]]
        stages = list(cls.model_fields)
        if where and where[0] not in stages:
            known_stages = ", ".join(stages) or "none: it takes no settings"
            return f"{cls.called}: unknown stage '{where[0]}'; expected one of {known_stages}"
        known = {field.name: field for field in cls.fields() if field.stage == where[0]}
        if len(where) < 2:
            return f"{cls.called}.{where[0]}: expected a mapping with {', '.join(known)}; found {error['input']!r}"
        if where[1] not in known:
            return f"{cls.called}.{where[0]}: unknown field '{where[1]}'; expected one of {', '.join(known)}"
        return f"{cls.called}.{where[0]}.{where[1]}: found {error['input']!r}; allowed: {known[where[1]].allowed}"


def _over_defaults(kind: type[Choices], values: dict[str, Any]) -> dict[str, Any]:
    """Values over the defaults of each stage, which may differ from those of the stage's class."""
    full = dict(values)
    for stage, given in values.items():
        if stage in kind.model_fields and isinstance(given, dict):
            full[stage] = {**kind.model_fields[stage].default.model_dump(), **given}
    return full


def _allowed(info: FieldInfo) -> str:
    """What a field takes, in words."""
    kinds = []
    for kind in get_args(info.annotation) if get_origin(info.annotation) not in (None, Literal) else [info.annotation]:
        if get_origin(kind) is Literal:
            kinds += [str(v) for v in get_args(kind)]
        elif kind is bool:
            kinds.append("true, false")
        else:
            bounds = {type(m).__name__.lower(): m for m in info.metadata}
            words = [
                f"{sign} {getattr(bounds[name], name):g}"
                for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
                if name in bounds
            ]
            kinds.append(" ".join(["a whole number" if kind is int else "a number", " and ".join(words)]).strip())
    return ", ".join(kinds)
