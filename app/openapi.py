"""``python -m app.openapi``: print the OpenAPI document, which clients are made from."""

import json
import sys

from app.config import ServiceSettings
from app.main import create_app


def main() -> None:
    """Print it as JSON; neither library nor model is opened."""
    document = create_app(ServiceSettings()).openapi()
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
