"""Immutable settings in sections of named fields, with YAML input and output, digests and validation.

Base classes of the recipe (:mod:`astsvm_lib.recipe`) and of the settings of each method.
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
    """One section: a group of fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def choice(reading: str, default: Any, description: str, **limits: Any) -> Any:
    """Declare a field for one of the readings R1-R15.

    Parameters
    ----------
    reading
        Identifier of the reading, such as ``"R5"``.
    default
        Default value.
    description
        One line for the YAML output and the book's table of readings.
    **limits
        Constraints of ``pydantic.Field``, such as ``ge=1``.
    """
    return Field(default=default, description=description, json_schema_extra={"reading": reading}, **limits)


def option(default: Any, description: str, **limits: Any) -> Any:
    """Declare a field that does not belong to a reading of the paper.

    Parameters
    ----------
    default
        Default value.
    description
        One line for the YAML output.
    **limits
        Constraints of ``pydantic.Field``, such as ``ge=1``.
    """
    return Field(default=default, description=description, **limits)


@dataclass(frozen=True)
class ChoiceField:
    """One field of a section, with its default and allowed values; ``reading`` is empty if it belongs to none."""

    section: str
    name: str
    reading: str
    default: Any
    allowed: str
    description: str


class Choices(Part):
    """Sections of fields; every section has a default.

    Attributes
    ----------
    called
        Name in error messages.
    """

    called: ClassVar[str] = "choices"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Settings from nested dictionaries, section -> field -> value; missing fields have their defaults.

        Raises
        ------
        CompanionError
            For an unknown section or field, or a value that is not allowed; the message lists what is allowed.
        """
        try:
            return cls.model_validate(_over_defaults(cls, values))
        except ValidationError as error:
            lines = dict.fromkeys(cls._explain(dict(item)) for item in error.errors())
            raise CompanionError("\n".join(lines)) from None

    @classmethod
    def from_yaml(cls, path: Path) -> Self:
        """Settings from a YAML file; missing fields have their defaults.

        Raises
        ------
        CompanionError
            If the file cannot be read, is not a YAML mapping, or contains an invalid field or value.
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
            raise CompanionError(f"{cls.called} {path}: expected a mapping of sections, found {type(values).__name__}")
        return cls.from_dict(values)

    def to_dict(self, *sections: str) -> dict[str, Any]:
        """Plain values, section -> field -> value, of the given sections or of all."""
        return self.model_dump(mode="json", include=set(sections) or None)

    def to_yaml(self) -> str:
        """All fields as YAML, each with its description as a comment."""
        lines: list[str] = []
        section = ""
        for field in self.fields():
            if field.section != section:
                section = field.section
                lines += ["", f"{section}:"] if lines else [f"{section}:"]
            value = getattr(getattr(self, section), field.name)
            text = yaml.safe_dump(value).splitlines()[0]
            lines.append(f"  {field.name}: {text}  # {': '.join(filter(None, [field.reading, field.description]))}")
        return "\n".join(lines) + "\n"

    def digest(self, *sections: str) -> str:
        """Digest of the given sections or of all, used in cache keys and records."""
        return digest(self.to_dict(*sections))

    def replace(self, **sections: dict[str, Any]) -> Self:
        """A copy with changed fields: ``recipe.replace(flow={"reference": "onset"})``.

        Parameters
        ----------
        **sections
            For each section, the fields to change.

        Raises
        ------
        CompanionError
            For an unknown section or field, or a value that is not allowed.
        """
        values = self.to_dict()
        for section, changes in sections.items():
            values[section] = {**values.get(section, {}), **changes}
        return self.from_dict(values)

    @classmethod
    def fields(cls) -> Iterator[ChoiceField]:
        """All fields, section by section."""
        for section, part in cls.model_fields.items():
            for name, info in type(part.default).model_fields.items():
                extra = info.json_schema_extra
                reading = str(extra["reading"]) if isinstance(extra, dict) else ""
                default = getattr(part.default, name)
                yield ChoiceField(section, name, reading, default, _allowed(info), str(info.description))

    @classmethod
    def _explain(cls, error: dict[str, Any]) -> str:
        """One line for a validation error of pydantic: location, value found, values allowed."""
        where = [str(part) for part in error["loc"]]
        sections = list(cls.model_fields)
        if where and where[0] not in sections:
            expected = f"expected one of {', '.join(sections)}" if sections else "it has no settings"
            return f"{cls.called}: unknown section '{where[0]}'; {expected}"
        if error["type"] == "value_error" and len(where) == 1:
            return f"{cls.called}.{where[0]}: {str(error['msg']).removeprefix('Value error, ')}"
        known = {field.name: field for field in cls.fields() if field.section == where[0]}
        if len(where) < 2:
            return f"{cls.called}.{where[0]}: expected a mapping with {', '.join(known)}; found {error['input']!r}"
        if where[1] not in known:
            return f"{cls.called}.{where[0]}: unknown field '{where[1]}'; expected one of {', '.join(known)}"
        return f"{cls.called}.{where[0]}.{where[1]}: found {error['input']!r}; allowed: {known[where[1]].allowed}"


def _over_defaults(kind: type[Choices], values: dict[str, Any]) -> dict[str, Any]:
    """The given values, completed by the defaults of each section, which may differ from those of its class."""
    full = dict(values)
    for section, given in values.items():
        if section in kind.model_fields and isinstance(given, dict):
            full[section] = {**kind.model_fields[section].default.model_dump(), **given}
    return full


def _allowed(info: FieldInfo) -> str:
    """Allowed values of a field, as text."""
    kinds = []
    for kind in get_args(info.annotation) if get_origin(info.annotation) not in (None, Literal) else [info.annotation]:
        if get_origin(kind) is Literal:
            kinds += [str(v) for v in get_args(kind)]
        elif kind is bool:
            kinds.append("true, false")
        else:
            bounds = {type(m).__name__.lower(): m for m in info.metadata}
            limits = [
                f"{sign} {getattr(bounds[name], name):g}"
                for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
                if name in bounds
            ]
            kinds.append(" ".join(["an integer" if kind is int else "a number", " and ".join(limits)]).strip())
    return ", ".join(kinds)
