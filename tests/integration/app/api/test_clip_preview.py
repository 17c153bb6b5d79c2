"""Watching a moment whatever its file is."""

import os
from fractions import Fraction
from pathlib import Path

import av
import pytest

from indexer.catalog.tables import Clip, Video
from indexer.previews import Moment, PreviewStore
from tests.counted_film import numbers_shown, steady, write_film
from tests.service import Service, search
from tests.synthetic_video import flat, write_not_a_video, write_video


def filmed(service: Service, path: Path, seconds: float = 8.0, **fields: object) -> Video:
    """Return a video with clips of four seconds whose file is at ``path``."""
    return service.add_video(
        ["a cat", "a dog"], media_path=str(path), is_managed=False, duration_s=seconds, **fields
    )


def second_clip(service: Service, tmp_path: Path) -> Clip:
    film = write_film(tmp_path / "film.ts", steady(Fraction(10), 8.0, beeps=[5.0]))
    return service.clips_of(filmed(service, film))[1]


def files_in(service: Service, folder: str) -> list[Path]:
    return [path for path in (service.library.settings.home_folder / folder).rglob("*") if path.is_file()]


def test_a_moment_of_any_container_is_an_mp4_of_h264_and_aac(service: Service, tmp_path: Path) -> None:
    clip = second_clip(service, tmp_path)
    response = service.client.get(f"/clips/{clip.id}/preview")
    assert (response.status_code, response.headers["content-type"]) == (200, "video/mp4")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(response.content)
    assert [number for _, number in numbers_shown(copy)] == list(range(40, 80))
    with av.open(str(copy)) as container:
        video, sound = container.streams.video[0].codec_context, container.streams.audio[0].codec_context
        assert (video.name, video.pix_fmt, sound.name) == ("h264", "yuv420p", "aac")


def test_a_preview_is_made_once_and_sent_in_parts(service: Service, tmp_path: Path) -> None:
    clip = second_clip(service, tmp_path)
    whole = service.client.get(f"/clips/{clip.id}/preview").content
    [kept] = files_in(service, "previews")
    made_at = kept.stat().st_ctime_ns
    part = service.client.get(f"/clips/{clip.id}/preview", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert [path.name for path in files_in(service, "previews")] == ["0000004000-0000008000.mp4"]
    assert kept.read_bytes() == whole
    assert kept.stat().st_ctime_ns >= made_at


def test_every_hit_names_its_preview(service: Service, tmp_path: Path) -> None:
    filmed(service, write_film(tmp_path / "film.mp4", steady(Fraction(10), 8.0)))
    hit = search(service, q="a dog")["data"][0]
    response = service.client.get(hit["preview_url"])
    assert response.status_code == 200
    assert hit["preview_url"] == f"/clips/{hit['clip_id']}/preview?start=4&end=8"


def test_a_large_picture_is_made_smaller(service: Service, tmp_path: Path) -> None:
    pictures = [(index / 5, flat((90, 90, 90), width=1920, height=1080)) for index in range(5)]
    film = write_video(tmp_path / "large.mkv", pictures, codec="mpeg4", frame_rate=5)
    clip = service.clips_of(filmed(service, film, seconds=1.0))[0]
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(service.client.get(f"/clips/{clip.id}/preview?start=0&end=1").content)
    with av.open(str(copy)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (1280, 720)


def test_previews_take_no_more_room_than_they_may(service: Service, tmp_path: Path) -> None:
    clip = second_clip(service, tmp_path)
    for start in (0, 1, 2):
        assert service.client.get(f"/clips/{clip.id}/preview?start={start}&end={start + 1}").is_success
    first, second, third = sorted(files_in(service, "previews"))
    os.utime(first, (2e9, 2e9))  # asked for last
    os.utime(second, (1e9, 1e9))
    os.utime(third, (1.5e9, 1.5e9))
    most = first.stat().st_size + third.stat().st_size + 10
    service.services.settings.__dict__["max_previews_bytes"] = most
    assert service.client.get(f"/clips/{clip.id}/preview?start=3&end=4").is_success
    kept = files_in(service, "previews")
    assert first in kept
    assert second not in kept
    assert third not in kept
    assert sum(path.stat().st_size for path in kept) <= most


def test_asking_for_a_preview_keeps_it_longer(service: Service, tmp_path: Path) -> None:
    clip = second_clip(service, tmp_path)
    for start in (0, 1):
        assert service.client.get(f"/clips/{clip.id}/preview?start={start}&end={start + 1}").is_success
    first, second = sorted(files_in(service, "previews"))
    for kept, year_s in ((first, 1e9), (second, 1.5e9)):
        os.utime(kept, (year_s, year_s))
    assert service.client.get(f"/clips/{clip.id}/preview?start=0&end=1").is_success
    service.services.settings.__dict__["max_previews_bytes"] = first.stat().st_size * 2 + 10
    assert service.client.get(f"/clips/{clip.id}/preview?start=2&end=3").is_success
    assert first in files_in(service, "previews")
    assert second not in files_in(service, "previews")


def test_a_preview_that_takes_more_than_all_may_is_sent_all_the_same(
    service: Service, tmp_path: Path
) -> None:
    clip = second_clip(service, tmp_path)
    service.services.settings.__dict__["max_previews_bytes"] = 1
    for start in (0, 1):
        assert service.client.get(f"/clips/{clip.id}/preview?start={start}&end={start + 1}").is_success
        assert [path.name[:10] for path in files_in(service, "previews")] == [f"{1000 * start:010d}"]


def test_a_preview_of_a_video_that_was_deleted_meanwhile_is_not_kept(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = second_clip(service, tmp_path)
    make = PreviewStore.make

    def delete_while_making(*arguments: object) -> Path:
        made: Path = make(*arguments)  # type: ignore[arg-type]
        service.client.delete(f"/videos/{clip.video_id}")
        return made

    monkeypatch.setattr(PreviewStore, "make", delete_while_making)
    response = service.client.get(f"/clips/{clip.id}/preview")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-clip")
    assert files_in(service, "previews") == []


@pytest.mark.parametrize("with_its_video", [True, False])
def test_a_preview_that_is_deleted_before_it_is_sent_is_a_problem(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_its_video: bool
) -> None:
    clip = second_clip(service, tmp_path)
    assert service.client.get(f"/clips/{clip.id}/preview").is_success
    find = PreviewStore.find

    def delete_what_is_found(store: PreviewStore, moment: Moment) -> Path | None:
        found = find(store, moment)
        if found is not None:
            found.unlink()
            if with_its_video:
                service.client.delete(f"/videos/{clip.video_id}")
        return found

    monkeypatch.setattr(PreviewStore, "find", delete_what_is_found)
    response = service.client.get(f"/clips/{clip.id}/preview")
    problem = "/problems/unknown-clip" if with_its_video else "/problems/media-missing"
    assert (response.status_code, response.json()["type"]) == (404, problem)


@pytest.mark.parametrize(
    ("span", "named"), [("start=-1", "start"), ("start=5&end=5", "end"), ("end=8.1", "end")]
)
def test_a_span_that_the_video_does_not_have_is_a_problem(
    service: Service, tmp_path: Path, span: str, named: str
) -> None:
    clip = second_clip(service, tmp_path)
    response = service.client.get(f"/clips/{clip.id}/preview?{span}")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")
    assert [error["parameter"] for error in response.json()["errors"]] == [named]


def test_a_preview_has_a_longest_length(service: Service) -> None:
    clip = service.clips_of(service.add_video(["a cat"], duration_s=3600.0))[0]
    response = service.client.get(f"/clips/{clip.id}/preview?start=0&end=60.1")
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "end")


def test_what_cannot_be_shown_is_a_problem_and_leaves_nothing(service: Service, tmp_path: Path) -> None:
    assert service.client.get("/clips/nothing/preview").json()["type"] == "/problems/unknown-clip"
    gone = service.clips_of(service.add_video(["a cat"]))[0]
    assert service.client.get(f"/clips/{gone.id}/preview").json()["type"] == "/problems/media-missing"
    broken = filmed(service, write_not_a_video(tmp_path / "text.mp4"))
    response = service.client.get(f"/clips/{service.clips_of(broken)[0].id}/preview")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/cannot-cut")
    assert files_in(service, "previews") == []


def test_a_full_disk_is_a_problem(service: Service, tmp_path: Path) -> None:
    clip = second_clip(service, tmp_path)
    service.services.settings.__dict__["min_free_bytes"] = 1 << 62
    response = service.client.get(f"/clips/{clip.id}/preview")
    assert (response.status_code, response.json()["type"]) == (507, "/problems/storage-full")


def test_a_store_makes_a_path_of_nothing_but_a_digest(service: Service) -> None:
    with pytest.raises(ValueError, match="sha256"):
        service.services.previews.path(Moment("../../etc", 0.0, 1.0))
