"""The text encoder: unit vectors of texts, and a warning when a text is too long."""

from functools import partial

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


@pytest.mark.parametrize("words", [0, 1, 10, 11, 12, 500])
def test_as_many_words_are_read_as_fit_between_start_and_end(encoder: TextEncoder, words: int) -> None:
    assert encoder.readable_part(" ".join(["cat"] * words)) == " ".join(["cat"] * min(words, 10))
    assert encoder.readable_part(" ".join(["!"] * words)) == " ".join(["!"] * min(words, 10))  # pads with it


def spell(texts: list[str], context_length: int | None = None, padding: int = 1) -> torch.Tensor:
    """Return a token for each character, and token 1 to end with, which also pads if it is ``padding``."""
    width = context_length or CONTEXT_LENGTH
    rows = [[*(min(ord(letter), 4000) for letter in text[: width - 1]), 1] for text in texts]
    return torch.tensor([row + [padding] * (width - len(row)) for row in rows])


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_the_token_that_ends_a_text_may_pad_it_too(model: open_clip.CLIP, padding: int) -> None:
    encoder = TextEncoder(model, partial(spell, padding=padding))
    assert encoder.readable_part("x" * (CONTEXT_LENGTH - 1)) == "x" * (CONTEXT_LENGTH - 1)
    assert encoder.readable_part("x" * CONTEXT_LENGTH) == "x" * (CONTEXT_LENGTH - 1)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("my cat sleeps", "my cat"),  # 11 characters fit: the third word is cut, and left out
        ("a  cat slip \n x", "a  cat slip"),
        ("a sleepingcat", "a sleepingc"),  # whole words would be less than half
        ("猫が庭で眠っている写真です", "猫が庭で眠っている写真"),
        ("a cat", "a cat"),
    ],
)
def test_what_does_not_fit_is_left_out_by_whole_words_where_words_are_short(
    model: open_clip.CLIP, text: str, read: str
) -> None:
    encoder = TextEncoder(model, spell)
    assert encoder.readable_part(text) == read
    assert encoder.readable_part(read) == read


def test_words_are_read_with_the_whole_of_every_prompt_around_them(model: open_clip.CLIP) -> None:
    seen: list[str] = []

    def listen(texts: list[str], context_length: int | None = None) -> torch.Tensor:
        seen.extend(texts)
        return spell(texts, context_length)

    encoder = TextEncoder(model, listen, prompts=["{} film", "my {}"])
    assert encoder.readable_part("one two") == "one"
    seen.clear()
    encoder.encode(["one two"])
    assert seen[-2:] == ["one film", "my one"]


def test_a_text_many_times_too_long_is_read_as_far_as_one_that_is_a_little_too_long(
    encoder: TextEncoder,
) -> None:
    words = " ".join(f"word{number}" for number in range(3000))
    assert encoder.readable_part(words) == encoder.readable_part(words[:200])


def test_many_characters_that_make_few_tokens_are_all_read(encoder: TextEncoder) -> None:
    spaced = "a cat" + " " * 500 + "on a sofa"
    assert encoder.readable_part(spaced) == spaced
    assert encoder.readable_part(f"{spaced} in the sun at the end of a day") == f"{spaced} in the sun at the"


def test_the_vector_of_several_prompts_is_the_unit_mean_of_theirs(
    model: open_clip.CLIP, tokenizer: Tokenizer, encoder: TextEncoder
) -> None:
    prompts, texts = ["{}", "a video of {}", "{} in a film"], ["a cat", "snow"]
    vectors = TextEncoder(model, tokenizer, prompts=prompts).encode(texts)
    for text, vector in zip(texts, vectors, strict=True):
        mean = encoder.encode([prompt.format(text) for prompt in prompts]).mean(0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_all_prompts_of_a_query_are_one_run_of_the_model(model: open_clip.CLIP, tokenizer: Tokenizer) -> None:
    encoder = TextEncoder(model, tokenizer, prompts=["{}", "a video of {}", "{} in a film"])
    rows: list[int] = []
    model.transformer.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    encoder.encode(["a cat"])
    encoder.encode(["a cat"] * 22)
    assert rows == [3, 63, 3]


def test_words_and_what_is_read_of_them_come_from_one_tokenisation(
    model: open_clip.CLIP, tokenizer: Tokenizer
) -> None:
    calls: list[list[str]] = []

    def count(texts: list[str], context_length: int | None = None) -> torch.Tensor:
        calls.append(texts)
        return tokenizer(texts, context_length=context_length)

    encoder = TextEncoder(model, count)
    calls.clear()
    vector, read = encoder.encode_readable("a cat on a sofa")
    assert (calls, read) == ([["a cat on a sofa"]], "a cat on a sofa")
    np.testing.assert_array_equal(vector, encoder.encode(["a cat on a sofa"])[0])


@pytest.mark.parametrize("length", [9, 10, 11, 500, 100_000])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_long_words_are_read_alike_in_one_step_and_in_two(
    model: open_clip.CLIP, length: int, padding: int
) -> None:
    encoder = TextEncoder(model, partial(spell, padding=padding))
    text = ("a bc def" * length)[:length]
    vector, read = encoder.encode_readable(text)
    assert read == encoder.readable_part(text)
    np.testing.assert_allclose(vector, encoder.encode([text])[0], atol=1e-6)


def test_a_prompt_that_leaves_no_room_for_words_is_refused(
    model: open_clip.CLIP, tokenizer: Tokenizer
) -> None:
    long = "a very very very very very very long film of {}"
    with pytest.raises(ValueError, match=r"'a very very .* leaves no room for words in the 12 tokens"):
        TextEncoder(model, tokenizer, prompts=["{}", long])


def test_a_long_text_is_encoded_by_its_beginning(encoder: TextEncoder) -> None:
    start = " ".join(["dog"] * 10)
    vectors = encoder.encode([start, f"{start} and a cat"])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_damaged_weights_give_an_error_and_no_vectors(
    model: open_clip.CLIP, tokenizer: Tokenizer, number: str
) -> None:
    encoder = TextEncoder(model, tokenizer)
    torch.nn.init.constant_(model.text_projection, float(number))
    with pytest.raises(ValueError, match="not finite"):
        encoder.encode(["a cat"])
