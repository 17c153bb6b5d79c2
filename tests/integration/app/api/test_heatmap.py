"""What of a clip fits, as a picture."""

import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from open_clip.transformer import VisionTransformer
from PIL import Image
from torch import nn

from app.search.asking.query import MAX_WORDS_CHARACTERS
from indexer.catalog.tables import Clip, Video
from model.factory import Encoders
from model.token_reduction.base import Unreduced
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.segments import Stage
from model.video_encoder import VideoEncoder
from tests.counted_film import steady, write_film
from tests.fakes import DIMENSION, FRAMES_PER_CLIP, PREPROCESSING, fake_encoders
from tests.service import Service, open_service, search
from tests.synthetic_video import write_not_a_video

DARK = 0.3
ROWS = 4


def seeing(tower: nn.Module, reducer: Any) -> Encoders:
    """Return the fake encoders with a real tower of random weights in place of the image side."""
    video = VideoEncoder(tower.eval(), PREPROCESSING, reducer, frames_per_clip=FRAMES_PER_CLIP)
    return replace(fake_encoders(), video=video)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Yield a service whose model keeps 8 patches of each three frames of 16."""
    torch.manual_seed(1)
    tower = VisionTransformer(
        image_size=32, patch_size=8, width=32, layers=2, heads=2, mlp_ratio=4, output_dim=DIMENSION
    )
    encoders = seeing(tower, CenterClip((Stage(1, 4, 8),)))
    with open_service(tmp_path / "home", encoders) as service:
        yield service


def filmed(service: Service, tmp_path: Path) -> Clip:
    """Return the second clip, from second 4 to 8, of a film of 10 frames a second."""
    path = write_film(tmp_path / "film.mp4", steady(Fraction(10), 8.0))
    video = service.add_video(["a cat", "a dog"], media_path=str(path), is_managed=False, duration_s=8.0)
    return service.clips_of(video)[1]


def ask(service: Service, clip_id: str, **parameters: Any) -> Any:
    return service.client.get(f"/clips/{clip_id}/heatmap", params={"q": "a dog", **parameters})


def problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


def picture_of(response: Any) -> NDArray[np.uint8]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as image:
        return np.array(image)


def count_coloured(picture: NDArray[np.uint8]) -> int:
    """Return how many patches are coloured: the film is black, white and one red."""
    middles = picture.reshape(ROWS, 448 // ROWS, ROWS, 448 // ROWS, 3)[:, 56, :, 56].reshape(-1, 3)
    dimmed_red = np.array([200, 30, 30]) * DARK
    return sum(
        int(np.ptp(middle.astype(int)) > 20 and np.abs(middle - dimmed_red).max() > 15) for middle in middles
    )


def test_a_heat_map_shows_the_kept_patches_of_a_frame(service: Service, tmp_path: Path) -> None:
    picture = picture_of(ask(service, filmed(service, tmp_path).id))
    assert picture.shape == (448, 448, 3)
    assert 1 <= count_coloured(picture) <= 8


def test_a_second_chooses_the_frame(service: Service, tmp_path: Path) -> None:
    clip = filmed(service, tmp_path)
    first, last = (picture_of(ask(service, clip.id, at=at)) for at in (4.0, 8.0))
    assert not np.array_equal(first, last)
    assert np.array_equal(first, picture_of(ask(service, clip.id, at=4.1)))


def test_a_picture_that_the_browser_has_is_not_made_again(service: Service, tmp_path: Path) -> None:
    clip = filmed(service, tmp_path)
    response = ask(service, clip.id)
    etag = response.headers["etag"]
    assert response.headers["cache-control"] == "private, no-cache"
    assert ask(service, clip.id).headers["etag"] == etag
    others: list[dict[str, Any]] = [{"q": "a cat"}, {"q": "a dog -cat"}, {"at": 5}]
    assert len({etag, *(ask(service, clip.id, **other).headers["etag"] for other in others)}) == 4
    again = service.client.get(
        f"/clips/{clip.id}/heatmap", params={"q": " a  dog "}, headers={"If-None-Match": etag}
    )
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


def test_hits_of_words_say_where_their_heat_map_is(service: Service, tmp_path: Path) -> None:
    clip = filmed(service, tmp_path)
    typed = 'a dog & "a bone" -cat'
    hit = search(service, q=typed, explain=True, merge=False)["data"][0]
    address = hit["explanation"]["heatmap_url"]
    assert address == f"/clips/{clip.id}/heatmap?q=a%20dog%20%26%20%22a%20bone%22%20-cat"
    assert service.client.get(address).content == ask(service, clip.id, q=typed).content


@pytest.mark.parametrize(
    "more",
    [{"like_clip": ""}, {"relevant": ""}, {"then": "a cat"}, {"use_judgements": True}],
)
def test_hits_of_more_than_words_have_no_heat_map(
    service: Service, tmp_path: Path, more: dict[str, object]
) -> None:
    clip = filmed(service, tmp_path)
    more = {name: value or clip.id for name, value in more.items()}
    answer = search(service, q="a dog", explain=True, **more)
    assert all(hit["explanation"]["heatmap_url"] is None for hit in answer["data"])


def test_an_unknown_clip_and_a_file_that_has_gone_are_problems(service: Service, tmp_path: Path) -> None:
    assert problem(ask(service, "nothing")) == (404, "unknown-clip")
    clip = filmed(service, tmp_path)
    (tmp_path / "film.mp4").unlink()
    response = ask(service, clip.id)
    assert problem(response) == (404, "media-missing")
    assert str(tmp_path) not in response.text


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"q": ""}, "q"),
        ({"q": "-people"}, "q"),
        ({"q": "a" * (MAX_WORDS_CHARACTERS + 1)}, "q"),
        ({"at": 3.9}, "at"),
        ({"at": 8.1}, "at"),
        ({"at": "nan"}, "at"),
        ({"at": "x"}, "at"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_a_problem(
    service: Service, tmp_path: Path, parameters: dict[str, object], named: str
) -> None:
    response = ask(service, filmed(service, tmp_path).id, **parameters)
    assert problem(response) == (422, "invalid-parameter")
    assert [error["parameter"] for error in response.json()["errors"]] == [named]


def test_a_file_that_cannot_be_decoded_is_a_problem(service: Service, tmp_path: Path) -> None:
    path = write_not_a_video(tmp_path / "text.mp4")
    video: Video = service.add_video(["a dog"], media_path=str(path), is_managed=False)
    response = ask(service, service.clips_of(video)[0].id)
    assert problem(response) == (422, "cannot-explain")
    assert "text.mp4 is not a video" in response.json()["detail"]
    assert str(tmp_path) not in response.text


def test_a_model_that_does_not_say_what_its_patches_see_is_a_problem(tmp_path: Path) -> None:
    tower = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, DIMENSION))
    with open_service(tmp_path / "home", seeing(tower, Unreduced())) as service:
        response = ask(service, filmed(service, tmp_path).id)
    assert problem(response) == (422, "cannot-explain")
    assert "take one of the presets tiny" in response.json()["detail"]
