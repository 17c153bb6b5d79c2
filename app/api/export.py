"""``/export``: moments for an editor or a spreadsheet."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api.export_parameters import ExportFormat, ExportParameters
from app.api.search_parameters import metadata_of
from app.attachment import attachment
from app.dependencies import Services, ServicesDependency
from app.errors import InvalidCursor, InvalidMoment, UnknownClip, UnknownVideo
from app.export.edit_list import write_edit_list
from app.export.gathering import ExportStyle, chosen_moments, found_moments
from app.export.moment_table import write_table
from app.export.moments import MomentList
from app.export.timeline import write_timeline
from app.media_type import bytes_docs
from app.problem_responses import problem_docs

router = APIRouter(tags=["export"])

OTIO = "application/vnd.opentimelineio+json"

WRITERS: Mapping[ExportFormat, tuple[Callable[[MomentList], bytes], str]] = {
    ExportFormat.CSV: (write_table, "text/csv; charset=utf-8; header=present"),
    ExportFormat.EDL: (write_edit_list, "text/plain; charset=utf-8"),
    ExportFormat.OTIO: (write_timeline, OTIO),
}


@router.get(
    "/export/{export_format}",
    summary="Take moments away",
    response_class=Response,
    responses={
        200: {
            "description": "The moments as a file",
            "content": {
                **bytes_docs(*(kind.partition(";")[0] for _, kind in WRITERS.values())),
                OTIO: {"schema": {"type": "object"}},
            },
        },
        **problem_docs(InvalidCursor, InvalidMoment, RequestValidationError, UnknownClip, UnknownVideo),
    },
)
def export_moments(
    request: Request,
    services: ServicesDependency,
    export_format: ExportFormat,
    parameters: Annotated[ExportParameters, Query()],
) -> Response:
    """Return a page of a search, or chosen clips and moments, as table, edit list or timeline.

    It takes every parameter of `GET /search`, those on metadata too.
    """
    style = ExportStyle(prefers_drop=parameters.drop_frame, base_url=str(request.base_url).rstrip("/"))
    wanted = moments_wanted(services, parameters, metadata_of(request, ExportParameters), style)
    write, media_type = WRITERS[export_format]
    headers = {"Content-Disposition": attachment(wanted.name, export_format), "Cache-Control": "no-store"}
    return Response(write(wanted), media_type=media_type, headers=headers)


def moments_wanted(
    services: Services,
    parameters: ExportParameters,
    metadata: Sequence[tuple[str, str]],
    style: ExportStyle,
    images: Sequence[bytes] = (),
) -> MomentList:
    """Return the moments that ``parameters`` find or choose; raises what a search does, and InvalidMoment."""
    chosen_by = parameters.chosen_by
    if chosen_by is None:
        return found_moments(services, parameters.to_query(metadata, images), style)
    if metadata or images or parameters.asks_for_a_search:
        raise InvalidMoment(chosen_by, "export a search or chosen moments, not both")
    return chosen_moments(services, parameters.clip, parameters.moment, style)
