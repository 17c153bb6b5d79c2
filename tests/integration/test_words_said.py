"""Words said are found alike on SQLite and Postgres, whatever is typed; the index follows the cues."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from indexer.catalog import cues, videos, words_said
from indexer.catalog.session import Database
from indexer.catalog.spoken_words import words_of
from indexer.catalog.states import CueSource
from indexer.catalog.tables import Cue
from indexer.cue_text import NewCue
from tests.factories import make_video


def add_video(session: Session, *texts: str) -> str:
    """Store a video in which each of ``texts`` is said for a second; return its id."""
    video = make_video()
    session.add(video)
    session.flush()
    said = [NewCue(float(second), second + 1.0, text) for second, text in enumerate(texts)]
    cues.replace(session, video.id, CueSource.UPLOAD, said)
    return video.id


def found(database: Database, words: str, *excluded: str, limit: int = 100) -> list[str]:
    """Return the texts of the cues that are found, best first."""
    with database.reading() as session:
        return [hit.text for hit in words_said.search(session, words, excluded, limit)]


def said(database: Database, *texts: str) -> str:
    with database.writing() as session:
        return add_video(session, *texts)


def test_a_hit_tells_where_the_words_are_said(database: Database) -> None:
    video_id = said(database, "nothing", "Open the pod bay doors")

    with database.reading() as session:
        [hit] = words_said.search(session, "pod doors")

    assert (hit.video_id, hit.start_s, hit.end_s, hit.text) == (video_id, 1.0, 2.0, "Open the pod bay doors")


def test_cues_with_all_the_words_come_before_those_with_some(database: Database) -> None:
    said(database, "cat", "cat " * 50, "a dog and the cat", "bird", "dog")

    hits = found(database, "dog cat")

    assert hits[0] == "a dog and the cat"
    assert set(hits[1:]) == {"cat", "cat " * 50, "dog"}


def test_of_cues_with_some_of_the_words_the_rarer_ones_come_first(database: Database) -> None:
    said(database, *(f"the cat number {number}" for number in range(30)), "a zebra number")

    assert found(database, "cat zebra")[0] == "a zebra number"


def test_scores_fall_from_the_best_hit_on_and_the_limit_keeps_the_best(database: Database) -> None:
    said(database, "red", "red and blue", "blue", "green")

    with database.reading() as session:
        hits = words_said.search(session, "red blue green")
        best = words_said.search(session, "red blue green", limit=2)

    assert len(hits) == 4
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert best == hits[:2]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ('"new york"', ["he is in New York"]),
        ("new york", ["he is in New York", "York has a new bridge"]),
        ("“new york”", ["he is in New York"]),
        ('"new york" bridge', ["York has a new bridge", "he is in New York"]),
    ],
)
def test_quoted_words_are_said_one_after_the_other(
    database: Database, typed: str, expected: list[str]
) -> None:
    said(database, "he is in New York", "York has a new bridge")

    assert sorted(found(database, typed)) == sorted(expected)


@pytest.mark.parametrize(
    ("spoken", "typed"),
    [
        ("Ça va déjà mieux", "deja"),
        ("ca va deja mieux", "Déjà"),
        ("Straße", "STRASSE"),
        ("Ёлка", "елка"),
        ("مَرْحَبًا", "مرحبا"),
        ("ﬁnal", "final"),
        ("e\u0301te\u0301", "été"),
        ("ｶﾞﾗｽ", "ガラス"),
        ("我很喜欢猫", "喜欢"),
        ("我很喜欢猫", "猫"),
        ("नमस्ते दुनिया", "दुनिया"),
        ("don’t panic", "don't"),
        ("catch-22", "catch 22"),
        ("call 0123456789", "0123456789"),
        ("naïve café 🎉", "cafe"),
    ],
)
def test_case_accents_and_ways_of_writing_make_no_difference(
    database: Database, spoken: str, typed: str
) -> None:
    said(database, spoken, "something else")

    assert found(database, typed) == [spoken]


@pytest.mark.parametrize("typed", ["don't", "喜欢", "e-mail"])
def test_what_is_typed_without_a_space_belongs_together(database: Database, typed: str) -> None:
    said(database, "t don", "欢喜", "mail e")

    assert found(database, typed) == []


@pytest.mark.parametrize("typed", ["", "  ", "!?", '""', '"', "♪ ♪", "\x00", "—", "🎉"])
def test_no_word_finds_nothing(database: Database, typed: str) -> None:
    said(database, "something")

    assert found(database, typed) == []


@pytest.mark.parametrize(
    "typed",
    [
        *("cat AND", "NOT cat", "cat*", "words:cat", "^cat", "NEAR(cat dog)", "cat & !dog", "cat:*", "(cat"),
        *("cat\\'", 'cat "', "cat' OR 1=1 --", "cat <-> ", ":match cat", "{of_videos} cat", "-cat", "'cat'"),
    ],
)
def test_what_is_typed_is_never_an_operator(database: Database, typed: str) -> None:
    said(database, "cat", "dog")

    assert found(database, typed)[0] == "cat"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=60), excluded=st.text(max_size=20))
def test_any_text_can_be_searched_for(database: Database, typed: str, excluded: str) -> None:
    found(database, typed, excluded)


def test_function_words_are_looked_for_only_when_there_is_nothing_else(database: Database) -> None:
    said(database, "to be or not to be", "the question", "this is it")

    assert found(database, "the question is") == ["the question"]
    assert found(database, "to be")[0] == "to be or not to be"
    assert found(database, '"this is"') == ["this is it"]


def test_of_a_word_said_everywhere_the_newest_cues_are_ranked_and_rare_words_decide(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words_said, "RANKED_CUES", 5)
    said(database, "zebra", *(f"cat {number}" for number in range(8)))

    assert set(found(database, "cat", limit=5)) == {f"cat {number}" for number in range(3, 8)}
    assert found(database, "cat zebra", limit=5) == ["zebra"]
    assert len(found(database, "cat", limit=8)) == 8


def test_excluded_words_leave_a_cue_out(database: Database) -> None:
    said(database, "a dog at night", "a dog by day", "a dog by night and day")

    assert found(database, "dog", "night") == ["a dog by day"]
    assert found(database, "dog", "night day") == ["a dog at night", "a dog by day"]
    assert sorted(found(database, "dog cat", "day", "!")) == ["a dog at night"]


def test_where_all_words_are_needed_cues_with_some_are_left_out(database: Database) -> None:
    said(database, "dog", "cat", "a dog and the cat")

    with database.reading() as session:
        hits = words_said.search(session, "dog cat", needs_all=True)

    assert [hit.text for hit in hits] == ["a dog and the cat"]


@pytest.mark.parametrize("few", [0, 20_000])
def test_only_cues_of_the_videos_asked_for_are_found_up_to_the_limit(
    database: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(words_said, "FEW_CUES", few)
    said(database, *["cat"] * 20)
    wanted = said(database, *["a cat in a long sentence about other things"] * 3)

    with database.reading() as session:
        hits = words_said.search(session, "cat", limit=3, video_ids=[wanted])
        assert words_said.search(session, "cat", video_ids=[]) == []

    assert [hit.video_id for hit in hits] == [wanted] * 3


def test_the_index_follows_cues_that_are_replaced_changed_and_deleted(database: Database) -> None:
    video_id = said(database, "before", "stays")
    other_id = said(database, "other")
    with database.writing() as session:
        cues.replace(session, video_id, CueSource.UPLOAD, [NewCue(0.0, 1.0, "after")])
        session.execute(update(Cue).where(Cue.video_id == other_id).values(words=words_of("changed")))

    assert set(found(database, "before stays after other changed")) == {"after", "other"}

    with database.writing() as session:
        videos.delete(session, video_id)
        session.execute(delete(Cue).where(Cue.video_id == other_id))
    assert found(database, "after changed") == []
    with database.reading() as session:
        assert not words_said.has_any(session)
    if database.is_sqlite:
        with database.writing() as session:
            session.execute(text("INSERT INTO cue_words(cue_words, rank) VALUES ('integrity-check', 1)"))


def test_sources_are_replaced_and_counted_apart(database: Database) -> None:
    video_id = said(database, "uploaded")
    with database.writing() as session:
        cues.replace(session, video_id, CueSource.STREAM, [NewCue(0.0, 1.0, "streamed", "en")])
        assert cues.delete(session, video_id, [CueSource.UPLOAD]) == 1

    with database.reading() as session:
        assert words_said.has_any(session)
        assert cues.counts(session, [video_id, "unknown"]) == {video_id: 1}
        assert cues.stored(session, video_id, CueSource.STREAM) == [NewCue(0.0, 1.0, "streamed", "en")]
    assert found(database, "uploaded streamed") == ["streamed"]
