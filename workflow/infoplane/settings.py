"""The base of every settings model: unknown keys are errors, values never change."""

import json

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Settings of one part of infoplane; they live beside the code they set."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def canonical(self) -> str:
        """The same text for the same settings, whatever the order they were written in."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)
