"""The contracts of a model directory as JSON Schema. Generated, never edited.

`python -m model.schemas docs/contracts` writes them; a test fails where they have drifted.
"""

from __future__ import annotations

import sys
from pathlib import Path

from model.json_schema import as_text, value_schema, write_documents
from model.measuring.assessment import Assessment
from model.versions.manifest import FORMAT_VERSION, Manifest


def documents() -> dict[str, str]:
    """File name to text of every document."""
    return as_text(
        {
            "model-manifest.schema.json": value_schema(Manifest, str(FORMAT_VERSION)),
            "metrics.schema.json": value_schema(Assessment, str(FORMAT_VERSION)),
        }
    )


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]), documents())
