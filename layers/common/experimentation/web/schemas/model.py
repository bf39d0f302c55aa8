"""The Pydantic classes that every request and answer derives from."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """What a caller sends: unknown fields are refused, "5" is no number; built when first needed.

    `ELSEWHERE` says of fields that are often sent here where they belong.
    """

    ELSEWHERE: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        defer_build=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


class ResponseModel(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
