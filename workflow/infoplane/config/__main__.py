"""`python -m infoplane.config [path]` writes the JSON schema of experiment files."""

import sys
from pathlib import Path

from infoplane.config.json_schema import text

if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "config/schema.json")
    path.write_text(text(), encoding="utf-8")
    print(f"wrote {path}")
