"""The page at ``/`` and its styles and modules under ``/web``."""

import os
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB_FOLDER = Path(__file__).parent.parent / "web"

ASK_FIRST = {"Cache-Control": "no-cache"}
"""Kept by the browser, yet checked by ETag each time: an update shows at once."""

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.head("/")
def show_page() -> FileResponse:
    """Return the page."""
    return FileResponse(WEB_FOLDER / "index.html", headers=ASK_FIRST)


class PageFiles(StaticFiles):
    """The files that the page loads."""

    def __init__(self) -> None:
        super().__init__(directory=WEB_FOLDER)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return one file, or that it has not changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(ASK_FIRST)
        return response
