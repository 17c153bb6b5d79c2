"""The clips in memory: whatever came and went, they are those of the catalog."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.catalog import vector_codec
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from tests.factories import make_clip_ids, make_unit_vectors

DIMENSION = 8


def id_array(ids: Sequence[int]) -> NDArray[np.int64]:
    return np.array(ids, np.int64)


def stored(embedding_id: int) -> NDArray[np.float16]:
    vector: NDArray[np.float16] = make_unit_vectors(embedding_id, 1, DIMENSION)[0].astype(np.float16)
    return vector


def add(table: ClipTable, clips: dict[int, str]) -> None:
    """Add clips, which begin at as many seconds as their id says."""
    ids = id_array(list(clips))
    columns = ClipColumns(
        ids, np.arange(len(ids), dtype=np.int32), ids.astype(np.float64), ids.astype(np.float64) + 1
    )
    vectors = np.array([stored(embedding_id) for embedding_id in clips], np.float16).reshape(-1, DIMENSION)
    table.add(columns, list(clips.values()), vectors, make_clip_ids(clips))


def assert_holds(table: ClipTable, clips: dict[int, str]) -> None:
    ids = id_array(sorted(clips))
    assert len(table) == len(clips)
    assert table.ids.tolist() == ids.tolist()
    columns = table.clips(ids)
    assert columns.start_s.tolist() == ids.tolist()
    assert [table.video_id(code) for code in columns.video] == [clips[one] for one in ids.tolist()]
    assert table.video_count == len(set(clips.values()))
    for video_id in {*clips.values(), "video of nobody"}:
        mine = [one for one in ids.tolist() if clips[one] == video_id]
        assert table.ids_of_videos([video_id]).tolist() == mine
    assert table.ids_of_videos(set(clips.values())).tolist() == ids.tolist()
    if clips:
        expected = vector_codec.unit(np.stack([stored(one) for one in ids.tolist()]))
        assert table.vectors(ids).tolist() == expected.tolist()
        assert table.clip_ids(ids) == make_clip_ids(ids.tolist())


STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 6)),
    st.tuples(st.just("add before"), st.integers(1, 3)),
    st.tuples(st.just("remove"), st.integers(0, 20)),
    st.tuples(st.just("save and read"), st.just(0)),
)


@given(steps=st.lists(STEPS, max_size=20))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_whatever_came_and_went_the_rest_is_there_unchanged(steps: list[tuple[str, int]]) -> None:
    table, clips, first, last = ClipTable(DIMENSION), dict[int, str](), 500, 500
    for number, (what, size) in enumerate(steps):
        if what == "add":
            new = {last + 2 * n + 1: f"video {number % 4}" for n in range(size)}
            last += 2 * size
        elif what == "add before":
            new = {first - n - 1: "an older video" for n in range(size)}
            first -= size
        else:
            new = {}
        add(table, new)
        clips |= new
        if what == "remove" and clips:
            gone = clips[sorted(clips)[size % len(clips)]]
            removed = [one for one in clips if clips[one] == gone]
            table.remove(id_array([*removed, 9999]))
            clips = {one: video_id for one, video_id in clips.items() if video_id != gone}
            assert not table.known(id_array(removed)).any()
        if what == "save and read":
            table = ClipTable.from_parts(table.to_parts(), DIMENSION)
    assert_holds(table, clips)


def test_an_id_that_is_not_there_is_named() -> None:
    table = ClipTable(DIMENSION)
    with pytest.raises(LookupError, match="no clip vector 4"):
        table.vectors(id_array([4]))
    add(table, {1: "a", 2: "a"})
    table.remove(id_array([2]))
    for missing in (2, 3):
        with pytest.raises(LookupError, match=f"no clip vector {missing}"):
            table.clips(id_array([1, missing]))


def test_the_newest_id_is_one_that_nothing_new_can_be_below() -> None:
    table = ClipTable(DIMENSION)
    assert table.newest_id == 0
    add(table, {1: "a", 4: "b"})
    assert table.newest_id == 4
    table.remove(id_array([4]))
    assert table.newest_id >= 1


def test_a_sample_is_the_same_until_the_library_changes_and_nearly_the_same_then() -> None:
    table = ClipTable(DIMENSION)
    add(table, dict.fromkeys(range(1, 1001), "a"))
    before = table.sample(100, seed=0)
    assert before.tolist() == table.sample(100, seed=0).tolist() == sorted(set(before.tolist()))
    assert before.tolist() != table.sample(100, seed=1).tolist()
    assert abs(float(before.mean()) - 500) < 100

    add(table, dict.fromkeys(range(1001, 1011), "b"))
    assert len(set(before.tolist()) & set(table.sample(100, seed=0).tolist())) >= 95
    assert table.sample(5000, seed=0).tolist() == table.ids.tolist()


def test_what_is_frozen_stays_while_clips_come_and_go() -> None:
    table = ClipTable(DIMENSION)
    add(table, dict.fromkeys(range(1, 9), "a"))
    table.remove(id_array([3]))
    frozen = table.frozen()
    before = frozen.vectors(np.arange(7))

    add(table, dict.fromkeys(range(9, 3000), "b"))
    table.remove(id_array(range(1, 2000)))

    assert frozen.ids.tolist() == [1, 2, 4, 5, 6, 7, 8]
    assert frozen.vectors(np.arange(7)).tolist() == before.tolist()


def test_vectors_of_another_shape_are_refused_with_their_values() -> None:
    columns = ClipColumns(id_array([1]), np.zeros(1, np.int32), np.zeros(1), np.ones(1))
    with pytest.raises(ValueError, match=r"\(1, 9\): expected \(1, 8\)"):
        ClipTable(DIMENSION).add(columns, ["a"], np.zeros((1, 9), np.float16), make_clip_ids([1]))
