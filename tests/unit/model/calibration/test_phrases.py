"""The bank of search phrases: large, general, each phrase once, and the same everywhere."""

from model.calibration.phrases import digest, search_phrases


def test_there_are_more_than_a_thousand_phrases_each_once() -> None:
    phrases = search_phrases()
    assert len(phrases) > 1000
    assert len(set(phrases)) == len(phrases)


def test_phrases_are_short_and_written_as_people_search() -> None:
    for phrase in search_phrases():
        assert phrase == phrase.strip()
        assert "  " not in phrase
        assert 1 <= len(phrase.split()) <= 12


def test_there_are_bare_nouns_and_whole_scenes() -> None:
    lengths = [len(phrase.split()) for phrase in search_phrases()]
    assert sum(length == 1 for length in lengths) > 200
    assert sum(length > 4 for length in lengths) > 300


def test_the_digest_tells_banks_apart() -> None:
    phrases = search_phrases()
    assert digest(phrases) == digest(search_phrases())
    assert digest(phrases) != digest(phrases[::-1])
    assert digest(phrases) != digest(phrases[1:])
