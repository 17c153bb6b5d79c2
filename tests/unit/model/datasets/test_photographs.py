"""Readers of the training photographs, on archives made here in the same format."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from model.datasets.base import DatasetError
from model.datasets.photographs import centre_crop, read_archive, read_flickr8k, read_tiny_imagenet
from tests.dataset_folder import put_archive


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def test_a_photograph_keeps_all_its_captions(tmp_path: Path) -> None:
    captions = {"captions": ["A red square .", "Nothing but red ."]}
    archive = put_archive(
        tmp_path / "train.tar", {"a.webp": picture("red"), "a.json": json.dumps(captions).encode()}
    )
    (photograph,) = read_flickr8k(archive)
    assert photograph.captions == ("A red square .", "Nothing but red .")
    assert photograph.decode().getpixel((0, 0)) == (255, 0, 0)


def test_a_photograph_without_captions_is_named(tmp_path: Path) -> None:
    archive = put_archive(tmp_path / "train.tar", {"lonely.webp": picture("red")})
    with pytest.raises(ValueError, match="the first: lonely has no caption"):
        read_flickr8k(archive)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"captions": "one"}', b'{"captions": [3]}', b"{}"])
def test_captions_that_are_no_list_of_sentences_are_refused_and_the_others_kept(
    tmp_path: Path, content: bytes
) -> None:
    members = {"a.webp": b"1", "a.json": content, "b.webp": b"2", "b.json": b'{"captions": [" b "]}'}
    photographs, refusals = read_archive(put_archive(tmp_path / "train.tar", members))
    assert [(one.name, one.captions) for one in photographs] == [("b", ("b",))]
    assert [(one.name, one.code) for one in refusals] == [("a", "malformed-row")]


def test_captions_without_a_photograph_and_captions_of_blanks_are_refused(tmp_path: Path) -> None:
    members = {"a.json": b'{"captions": ["a"]}', "b.jpg": b"2", "b.json": b'{"captions": [" "]}'}
    photographs, refusals = read_archive(put_archive(tmp_path / "train.tar", members))
    assert not photographs
    assert {(one.name, one.code) for one in refusals} == {("a", "missing-file"), ("b", "no-caption")}


def test_an_archive_that_is_cut_off_is_an_error_that_names_it(tmp_path: Path) -> None:
    archive = put_archive(tmp_path / "train.tar", {"a.webp": bytes(5000), "b.webp": bytes(5000)})
    archive.write_bytes(archive.read_bytes()[:7000])
    with pytest.raises(DatasetError, match=r"train\.tar is no whole tar archive"):
        read_archive(archive)


def test_a_class_is_captioned_by_each_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps({"n01": "tabby, Cat"}))
    put_archive(tmp_path / "train-0.tar", {"n01_5.n01.webp": picture("blue")})
    (photograph,) = read_tiny_imagenet(tmp_path)
    assert photograph.captions == ("a photo of a tabby", "a photo of a cat")


def test_a_folder_without_archives_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text("{}")
    with pytest.raises(ValueError, match=r"train-\*\.tar"):
        read_tiny_imagenet(tmp_path)


def test_the_centre_crop_is_the_middle_square() -> None:
    picture = Image.new("RGB", (30, 10), "black")
    picture.paste("white", (10, 0, 20, 10))
    crop = centre_crop(picture)
    assert crop.size == (10, 10)
    assert crop.getextrema() == ((255, 255),) * 3
