"""A field whose own key chooses its settings model from a table.

A discriminated union does the same, but imports every module of the table to read a file that
uses one of them.
"""

import json
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from infoplane.settings import Settings
from infoplane.table import Table

IMPORTED = r"^[\w.]+:\w+$"
"""The import path of a user's class."""


class Choice:
    """Annotation of a field: `Annotated[Any, Choice(FAMILIES, "family", "mlp")]`.

    key : the key that names an entry of the table; the entry's module has `Settings`
    default : the entry if the key is missing; None: the key is required
    """

    def __init__(self, table: Table, key: str, default: str | None = None):
        self.table, self.key, self.default = table, key, default

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._chosen)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        models = [module.Settings for module in self.table.values()]
        members = [handler(model.__pydantic_core_schema__) for model in models]
        union: JsonSchemaValue = {"discriminator": {"propertyName": self.key}}
        if self.default is None:
            for member in members:  # a model by itself may leave out that key
                others = (key for key in member.get("required", ()) if key != self.key)
                member["required"] = [self.key, *others]
        else:
            union["default"] = {self.key: self.default}
        if self.table.open:  # the settings of a user's module or class
            own = {"type": "string", "not": {"enum": list(self.table)}}
            if self.table.base:
                own["pattern"] = IMPORTED
            members.append(
                {"type": "object", "properties": {self.key: own}, "required": [self.key]}
            )
        return {**union, "oneOf": members}

    def _chosen(self, value: Any) -> Settings:
        if isinstance(value, Settings):
            return value
        if not isinstance(value, dict):
            raise PydanticKnownError("dict_type")
        name = value.get(self.key, self.default)
        if name is None:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": self.key})
        if not isinstance(name, str) or name not in self.table:
            known = {"discriminator": self.key, "expected_tags": ", ".join(self.table)}
            raise PydanticKnownError("union_tag_invalid", {"tag": str(name), **known})
        # As JSON: a list then becomes a tuple, and True is still not 1.
        text = json.dumps({**value, self.key: name})
        return self.table[name].Settings.model_validate_json(text, strict=True)
