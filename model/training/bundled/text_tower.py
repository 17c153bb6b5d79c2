"""A text tower whose words start where word vectors put them.

The embedding of a token is what training makes of it plus one linear map of its word vector. The map is
learnt from the words that captions use and holds for those that they never use.
"""

from collections.abc import Sequence

import torch
from open_clip.model import CustomTextCLIP
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding

from model.text_encoder import Tokenizer
from model.training.short_texts import encode_texts

LEARNT_SHARE = 0.3
"""Of the usual random start, so that it does not drown what the word vectors say."""
MAP_DEVIATION = 0.006
DROPOUT = 0.1
SENTENCES_OF_LIKE_LENGTH = 80


class GroundedEmbedding(nn.Embedding):
    """An embedding of tokens plus a learnt linear map of their fixed word vectors (vocabulary, W)."""

    def __init__(self, plain: nn.Embedding, word_vectors: Tensor) -> None:
        super().__init__(plain.num_embeddings, plain.embedding_dim, device="meta")
        self.weight = nn.Parameter(plain.weight.detach() * LEARNT_SHARE)
        self.register_buffer("word_vectors", word_vectors, persistent=False)
        self.word_map = nn.Linear(word_vectors.shape[1], plain.embedding_dim, bias=False)
        nn.init.normal_(self.word_map.weight, std=MAP_DEVIATION)

    def forward(self, ids: Tensor) -> Tensor:
        """Return embeddings (..., C) of token ids."""
        grounded = self.word_map(embedding(ids, self.get_buffer("word_vectors")))
        return dropout(super().forward(ids) + grounded, DROPOUT, self.training)

    @torch.no_grad()
    def fold(self) -> nn.Embedding:
        """Return a plain embedding that gives the same."""
        grounded = self.word_map(self.get_buffer("word_vectors"))
        plain: nn.Embedding = nn.Embedding.from_pretrained(self.weight + grounded, freeze=False)
        return plain


class SentenceEncoder:
    """Sentences to vectors with gradients, those of like length together, so that little is padding."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __call__(self, model: CustomTextCLIP, sentences: Sequence[str]) -> Tensor:
        """Return the unit vectors (n, D) that ``model`` has for n sentences, the end of long ones cut off."""
        ids = self._tokenizer(list(sentences), context_length=model.context_length)  # (n, L)
        lengths = (ids != 0).sum(1)
        order = lengths.argsort(stable=True)
        parts = [
            encode_texts(model, ids[rows, : int(lengths[rows].max())])
            for rows in order.split(SENTENCES_OF_LIKE_LENGTH)
        ]
        return torch.cat(parts)[order.argsort()]
