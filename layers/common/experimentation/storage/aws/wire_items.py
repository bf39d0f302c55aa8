"""Leaves DynamoDB's items in their wire shape as they come, {"S": text} or {"N": digits}.

botocore would rebuild every attribute by its description and end up with the same: half of what results of
open days cost.
"""

from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory


class _WireItems(JSONParser):
    def _handle_map(self, shape: Any, value: Any) -> Any:
        if shape.value.name == "AttributeValue":
            return value
        return super()._handle_map(shape, value)  # type: ignore[misc]  # the stubs leave it out


class WireItems(ResponseParserFactory):
    """A session's component `response_parser_factory`; no item of ours holds binary attributes."""

    def create_parser(self, protocol_name: str) -> Any:
        """Return the parser of a protocol's answers."""
        return _WireItems() if protocol_name == "json" else super().create_parser(protocol_name)
