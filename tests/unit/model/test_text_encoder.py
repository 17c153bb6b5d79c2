"""The text encoder: unit vectors of texts, and a warning when a text is too long."""

import numpy as np
import open_clip
import pytest
import torch

from model.text_encoder import BATCH_SIZE, TextEncoder, Tokenizer

CONTEXT_LENGTH = 12


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokenizer: Tokenizer = open_clip.SimpleTokenizer()
    return tokenizer


@pytest.fixture
def model() -> open_clip.CLIP:
    return open_clip.CLIP(
        embed_dim=20,
        vision_cfg={"image_size": 16, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16},
        text_cfg={
            "context_length": CONTEXT_LENGTH,
            "vocab_size": 49408,
            "width": 16,
            "heads": 2,
            "layers": 2,
        },
    ).eval()


@pytest.fixture
def encoder(model: open_clip.CLIP, tokenizer: Tokenizer) -> TextEncoder:
    return TextEncoder(model, tokenizer)


def test_each_text_has_the_unit_vector_of_the_models_own_encoding(
    encoder: TextEncoder, model: open_clip.CLIP, tokenizer: Tokenizer
) -> None:
    texts = ["a cat on a sofa", "two men cooking", ""]
    vectors = encoder.encode(texts)
    with torch.inference_mode():
        own = model.encode_text(tokenizer(texts, context_length=CONTEXT_LENGTH), normalize=True)
    assert vectors.shape == (3, encoder.dimension) == (3, 20)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, own, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_more_texts_than_a_batch_keep_their_order(encoder: TextEncoder) -> None:
    texts = [f"scene {number}" for number in range(BATCH_SIZE + 3)]
    vectors = encoder.encode(texts)
    assert len(vectors) == len(texts)
    np.testing.assert_allclose(vectors[[0, -1]], encoder.encode([texts[0], texts[-1]]), atol=1e-5)


def test_a_text_is_encoded_alike_alone_and_in_a_batch(encoder: TextEncoder) -> None:
    texts = ["a dog", "a dog runs over a green meadow after a ball", "snow"]
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(encoder.encode(texts), alone, atol=1e-5)


def test_a_model_left_in_training_is_switched_to_inference(
    model: open_clip.CLIP, tokenizer: Tokenizer
) -> None:
    TextEncoder(model.train(), tokenizer)
    assert not model.training


def test_no_texts_give_no_vectors(encoder: TextEncoder) -> None:
    assert encoder.encode([]).shape == (0, 20)


def test_a_single_string_is_refused(encoder: TextEncoder) -> None:
    with pytest.raises(ValueError, match=r"single string 'a cat': pass a list"):
        encoder.encode("a cat")


@pytest.mark.parametrize(
    ("words", "is_cut"), [(0, False), (1, False), (10, False), (11, True), (12, True), (500, True)]
)
def test_a_text_is_truncated_when_it_has_more_tokens_than_fit_between_start_and_end(
    encoder: TextEncoder, words: int, is_cut: bool
) -> None:
    assert encoder.truncates(" ".join(["cat"] * words)) is is_cut
    assert encoder.truncates(" ".join(["!"] * words)) is is_cut  # a mark whose token is the number that pads


def test_a_tokenizer_that_pads_with_another_number_is_understood(model: open_clip.CLIP) -> None:
    def count_letters(texts: list[str], context_length: int | None = None) -> torch.Tensor:
        width = context_length or CONTEXT_LENGTH
        return torch.tensor([([7] * len(text) + [1] * width)[:width] for text in texts])

    encoder = TextEncoder(model, count_letters)
    assert not encoder.truncates("x" * CONTEXT_LENGTH)
    assert encoder.truncates("x" * (CONTEXT_LENGTH + 1))


def test_a_long_text_is_encoded_by_its_beginning(encoder: TextEncoder) -> None:
    start = " ".join(["dog"] * 10)
    vectors = encoder.encode([start, f"{start} and a cat"])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_damaged_weights_give_an_error_and_no_vectors(model: open_clip.CLIP, tokenizer: Tokenizer) -> None:
    encoder = TextEncoder(model, tokenizer)
    torch.nn.init.constant_(model.ln_final.weight, float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        encoder.encode(["a cat"])
