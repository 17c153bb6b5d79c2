"""Taking moments away over HTTP."""

import csv
import io
from pathlib import Path

import opentimelineio as otio
import pytest

from indexer.catalog.tables import Video
from tests.moments import read_events
from tests.service import Service

NTSC = 30000 / 1001
FORMATS = ["csv", "edl", "otio"]


def in_place(service: Service, words: list[str], frame_rate: float = 25.0, **fields: object) -> Video:
    """Return a video that was indexed where it lies."""
    path = Path("/films/a day.mp4")
    return service.add_video(
        words, media_path=str(path), is_managed=False, filename=path.name, frame_rate=frame_rate, **fields
    )


def taken(service: Service, address: str) -> bytes:
    response = service.client.get(address)
    assert response.status_code == 200, response.text
    assert response.headers["content-disposition"].startswith("attachment; filename=")
    return response.content


def rows_of(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode(), newline=""), strict=True))


def problem_of(service: Service, address: str) -> tuple[int, str, str]:
    """Return status, type and the parameter named."""
    response = service.client.get(address)
    problem = response.json()
    return response.status_code, problem["type"], problem["errors"][0]["parameter"]


def test_a_search_is_taken_away_as_the_answer_shows_it(service: Service) -> None:
    in_place(service, ["a cat", "a dog", "a cow"])
    hits = service.client.get("/search", params={"q": "a dog"}).json()["data"]
    table = rows_of(taken(service, "/export/csv?q=a+dog"))
    assert [row["clip_id"] for row in table] == [hit["clip_id"] for hit in hits]
    assert [float(row["start"]) for row in table] == [hit["start"] for hit in hits]
    assert (table[0]["rank"], table[0]["start"], table[0]["end"]) == ("1", "4.000", "8.000")
    assert (table[0]["timecode_in"], table[0]["timecode_out"]) == ("00:00:04:00", "00:00:08:00")


def test_the_parameters_of_a_search_hold_for_its_export(service: Service) -> None:
    wanted = in_place(service, ["a cat", "a dog"], metadata={"camera": "A"})
    service.add_video(["a cat", "a dog"])
    table = rows_of(taken(service, f"/export/csv?q=a+dog&limit=1&video_id={wanted.id}"))
    assert [row["video_id"] for row in table] == [wanted.id]


def test_every_moment_of_a_video_is_taken_away_where_videos_are_grouped(service: Service) -> None:
    in_place(service, ["a dog", "a cat", "a cow", "a hen", "a dog"])
    hit = service.client.get("/search?q=a+dog&group_by=video").json()["data"][0]
    table = rows_of(taken(service, "/export/csv?q=a+dog&group_by=video"))
    assert len(table) > 1
    assert [float(row["start"]) for row in table] == [moment["start"] for moment in hit["moments"]]
    assert {row["rank"] for row in table} == {"1"}


def test_an_edl_has_drop_frame_timecode_and_the_file(service: Service) -> None:
    in_place(service, ["a cat", "a dog"], frame_rate=29.97, start_timecode="01:00:00;00")
    edl = taken(service, "/export/edl?q=a+dog&limit=1")
    assert b"FCM: DROP FRAME" in edl
    assert b"* FROM CLIP NAME: a day.mp4" in edl
    assert b"file:///films/a%20day.mp4" in edl
    (event,) = read_events(edl, NTSC)
    assert [frame / NTSC for frame in event.source] == pytest.approx([3604.0, 3608.0], abs=0.02)


def test_drop_frame_can_be_declined(service: Service) -> None:
    in_place(service, ["a dog"], frame_rate=59.94)
    assert b"FCM: NON-DROP FRAME" in taken(service, "/export/edl?q=a+dog&drop_frame=false")


def test_a_timeline_names_the_address_of_an_upload(service: Service) -> None:
    video = service.add_video(["a dog"], media_path="ab/abc.mp4", is_managed=True, frame_rate=24.0)
    text = taken(service, "/export/otio?q=a+dog").decode()
    (clip,) = otio.adapters.read_from_string(text, "otio_json").tracks[0]
    assert clip.media_reference.target_url == f"http://testserver/videos/{video.id}/stream"
    assert clip.source_range.duration.to_seconds() == pytest.approx(4.0)
    assert clip.metadata["reelseek"]["rank"] == 1


def test_chosen_clips_and_moments_come_in_the_order_chosen(service: Service) -> None:
    video = in_place(service, ["a cat", "a dog", "a cow"])
    first, _, third = service.clips_of(video)
    address = (
        f"/export/csv?clip={third.id}&clip={first.id}&moment={video.id}:1.5-11.25&moment={video.id}:0-12"
    )
    table = rows_of(taken(service, address))
    assert [(row["start"], row["end"], row["clip_id"]) for row in table] == [
        ("8.000", "12.000", third.id),
        ("0.000", "4.000", first.id),
        ("1.500", "11.250", ""),
        ("0.000", "12.000", ""),
    ]


@pytest.mark.parametrize("wanted", FORMATS)
def test_an_answer_without_hits_is_a_file_without_moments(service: Service, wanted: str) -> None:
    assert taken(service, f"/export/{wanted}?q=a+dog")


@pytest.mark.parametrize("wanted", FORMATS)
def test_a_strange_name_harms_no_format(service: Service, wanted: str) -> None:
    service.add_video(["a dog"], title="=\r\n\x00“漢字”", filename='=\n"漢字\u202e.mp4')
    assert taken(service, f"/export/{wanted}?q=%22a+dog%22%0d%0aX:+1")


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ("", "q"),
        ("clip=zzz", "clip.0"),
        ("q=a&nonsense=1", "nonsense"),
        ("q=a&limit=0", "limit"),
        ("q=a&drop_frame=perhaps", "drop_frame"),
        ("q=a&drop_frame=1&drop_frame=0", "drop_frame"),
        ("moment=here", "moment"),
        ("moment={video}:5-4", "moment"),
        ("moment={video}:4-4", "moment"),
        ("moment={video}:0-99", "moment"),
        ("moment={video}:12-13", "moment"),
        ("moment={video}:nan-4", "moment"),
        ("moment={video}:-1-4", "moment"),
        ("moment={video}:1-2&q=a", "moment"),
        ("moment={video}:1-2&meta.camera=A", "moment"),
    ],
)
def test_a_wrong_parameter_is_named(service: Service, parameters: str, named: str) -> None:
    video = in_place(service, ["a cat", "a dog", "a cow"])
    address = f"/export/edl?{parameters.replace('{video}', video.id)}"
    assert problem_of(service, address) == (422, "/problems/invalid-parameter", named)


def test_what_is_not_there_is_named(service: Service) -> None:
    nobody = "0" * 32
    unknown_clip = (404, "/problems/unknown-clip", "clip")
    assert problem_of(service, f"/export/csv?clip={nobody}") == unknown_clip
    unknown_video = (404, "/problems/unknown-video", "moment")
    assert problem_of(service, f"/export/csv?moment={nobody}:1-2") == unknown_video


def test_a_format_that_is_none_is_a_problem(service: Service) -> None:
    response = service.client.get("/export/pdf?q=a")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")


def test_a_selection_may_be_long_and_not_endless(service: Service) -> None:
    clip = service.clips_of(in_place(service, ["a cat"]))[0]
    assert len(read_events(taken(service, f"/export/edl?{f'clip={clip.id}&' * 400}"), 25.0)) == 400
    assert problem_of(service, f"/export/edl?{f'clip={clip.id}&' * 401}")[2] == "clip"
