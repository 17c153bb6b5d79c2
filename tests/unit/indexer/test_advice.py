"""What to do about errors."""

from indexer import ingest
from indexer.advice import ADVICE, advice_on
from indexer.catalog.job_claims import WORKER_DIED
from indexer.catalog.job_states import CANCELLED
from indexer.errors import IndexingError


def codes_of(kind: type[IndexingError]) -> set[str]:
    return {kind.code}.union(*map(codes_of, kind.__subclasses__()))


def test_every_reason_a_job_can_fail_for_has_its_sentence() -> None:
    codes = codes_of(IndexingError) | {WORKER_DIED, CANCELLED}
    assert ingest.InternalError.code in codes  # importing the ingest has made its reasons known
    assert codes <= set(ADVICE)
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in ADVICE.values())


def test_a_code_of_another_version_is_not_left_without_advice() -> None:
    assert advice_on("of-the-future") == ADVICE["indexing-failed"]
