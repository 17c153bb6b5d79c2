"""Error codes are an interface: stable, distinct and readable."""

import re

from indexer import errors
from indexer.errors import IndexingError

SHARED = {
    errors.EmptyUpload: errors.EmptyFile,
    errors.UploadTooLarge: errors.FileTooLarge,
    errors.DecoderDied: errors.DecoderCrashed,
}


def all_errors(base: type[IndexingError] = IndexingError) -> list[type[IndexingError]]:
    children = [child for child in base.__subclasses__() if child.__module__ == errors.__name__]
    return [base] + [error for child in children for error in all_errors(child)]


def test_codes_are_kebab_case_and_fit_into_their_column() -> None:
    for error in all_errors():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code), error
        assert len(error.code) <= 50


def test_only_errors_that_tell_a_person_the_same_share_a_code() -> None:
    distinct = [error for error in all_errors() if error not in SHARED]

    assert len({error.code for error in distinct}) == len(distinct)
    assert all(special.code == general.code for special, general in SHARED.items())
