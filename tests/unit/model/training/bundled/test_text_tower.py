"""Words start where word vectors put them, and end as a plain embedding."""

import open_clip
import torch
from torch import nn

from model.training.bundled.text_tower import GroundedEmbedding, SentenceEncoder
from tests.bundled_towers import small_model


def test_folded_it_is_a_plain_embedding_that_gives_the_same() -> None:
    grounded = GroundedEmbedding(nn.Embedding(10, 6), torch.randn(10, 4)).eval()
    ids = torch.tensor([[0, 3, 9]])
    plain = grounded.fold()
    assert type(plain) is nn.Embedding
    torch.testing.assert_close(plain(ids), grounded(ids))


def test_what_a_used_word_learns_an_unused_one_of_like_meaning_learns_too() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    grounded = GroundedEmbedding(nn.Embedding(3, 6), vectors)
    with torch.no_grad():
        grounded.weight.zero_()
    optimizer = torch.optim.SGD(grounded.parameters(), lr=0.5)
    for _ in range(20):
        optimizer.zero_grad()
        (grounded(torch.tensor([0])) - 1).square().sum().backward()
        optimizer.step()
    kin, stranger = grounded.eval()(torch.tensor([1, 2])).mean(1)
    assert kin > 0.2 > stranger.abs()


def test_sentences_of_any_length_keep_their_order_and_their_vectors() -> None:
    model = small_model().eval()
    encode = SentenceEncoder(open_clip.get_tokenizer("ViT-B-32"))
    sentences = [("word " * (1 + number % 9)).strip() + f" {number}" for number in range(170)]
    together = encode(model, sentences)
    alone = torch.cat([encode(model, [sentence]) for sentence in sentences[::17]])
    torch.testing.assert_close(together[::17], alone, atol=1e-5, rtol=0)
