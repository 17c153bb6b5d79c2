"""Names of reductions are read, written and refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.token_reduction.base import TokenReducer, TowerShape, Unreduced
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.distances import Metric
from model.token_reduction.frame_choice import FewerFrames, SkipDuplicates
from model.token_reduction.naming import FAMILIES, parse_reduction
from model.token_reduction.pitome import PiToMe
from model.token_reduction.pooling import FramePooling
from model.token_reduction.segments import Stage
from model.token_reduction.sparse_sampling import SparseSampling
from model.token_reduction.spectral import Spectral
from model.token_reduction.tempme import TempMe
from model.token_reduction.tome import ToMe

B32 = TowerShape(layers=12, patches=49, class_tokens=1)
B16 = TowerShape(layers=12, patches=196, class_tokens=1)
L14 = TowerShape(layers=24, patches=256, class_tokens=1)


@pytest.mark.parametrize(
    ("text", "reducer"),
    [
        ("centerclip:B6-3,40", CenterClip((Stage(6, 3, 40),))),
        (
            "centerclip:B4-6,49+B8-3,49/l1",
            CenterClip((Stage(4, 6, 49), Stage(8, 3, 49)), metric=Metric.MANHATTAN),
        ),
        ("spectral:B6-3,40/heat/mean", Spectral((Stage(6, 3, 40),), mean=True, joins_all=True)),
        ("pooling:B6-3", FramePooling(6, 3)),
        ("sparse:B6-3,40", SparseSampling(Stage(6, 3, 40))),
        ("sparse:B6-3,40/random", SparseSampling(Stage(6, 3, 40), is_random=True)),
        ("sparse:/random", SparseSampling(Stage(6, 4, 49), is_random=True)),
        ("frames:7", FewerFrames(7)),
        ("skip-duplicates:0.125", SkipDuplicates(0.125)),
        ("tome:3", ToMe(3)),
        ("pitome:3", PiToMe(3)),
        ("tempme:3-2-2/4/0.65/0.85", TempMe((3, 2, 2), 4, 0.65, 0.85)),
    ],
)
def test_a_name_says_what_its_reducer_does(text: str, reducer: TokenReducer) -> None:
    assert parse_reduction(text, B32, frames=12) == reducer


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [B32, B16, L14, B16._replace(class_tokens=0)])
@pytest.mark.parametrize("frames", [8, 12, 64])
def test_every_family_has_defaults_that_fit(family: str, shape: TowerShape, frames: int) -> None:
    reducer = parse_reduction(family, shape, frames)
    assert reducer.name.partition(":")[0] == family
    assert parse_reduction(reducer.name, shape, frames) == reducer


@pytest.mark.parametrize(("family", "example"), [(name, family.example) for name, family in FAMILIES.items()])
def test_every_familys_example_is_the_canonical_name_of_what_it_names(family: str, example: str) -> None:
    assert example.partition(":")[0] == family
    assert parse_reduction(example, B32, frames=12).name == example


@pytest.mark.parametrize(
    ("shape", "frames", "family", "name"),
    [
        (B32, 12, "centerclip", "centerclip:B6-4,49"),
        (B16, 12, "centerclip", "centerclip:B6-4,160"),
        (B32, 60, "spectral", "spectral:B6-20,49"),
        (L14, 12, "sparse", "sparse:B12-4,209"),
        (B32, 12, "pooling", "pooling:B6-4"),
        (B32._replace(layers=8), 1, "pooling", "pooling:B4-1"),
        (B32, 12, "frames", "frames:6"),
        (B32, 1, "frames", "frames:1"),
        (B32, 12, "skip-duplicates", "skip-duplicates:0.02"),
        (B32, 12, "tome", "tome:2"),
        (B16, 12, "tome", "tome:10"),
        (B32, 12, "pitome", "pitome:2"),
        (B32, 12, "tempme", "tempme:2-2-3/2/0.7/0.9"),
        (B16, 12, "tempme", "tempme:2-2-3/10/0.6/0.8"),
        (B32, 64, "tempme", "tempme:4-4-4/2/0.7/0.9"),
    ],
)
def test_a_plain_family_takes_the_papers_proportions(
    shape: TowerShape, frames: int, family: str, name: str
) -> None:
    assert parse_reduction(family, shape, frames).name == name


@pytest.mark.parametrize("text", [" CenterClip:b6-4,49 ", "CENTERCLIP : B6-4,49", "centerclip"])
def test_case_and_blanks_do_not_matter(text: str) -> None:
    assert parse_reduction(text, B32, frames=12).name == "centerclip:B6-4,49"


@pytest.mark.parametrize("text", ["", "6-4,49", "kmedoids:B6-4,49", ":B6-4,49"])
def test_an_unknown_name_is_refused_with_an_example_of_each_family(text: str) -> None:
    examples = ", ".join(family.example for family in FAMILIES.values())
    with pytest.raises(ValueError, match=rf"^'{text}' is no known token reduction; known are {examples}$"):
        parse_reduction(text, B32, frames=12)


@pytest.mark.parametrize(
    ("text", "nearest"), [("centreclip:B6-4,49", "centerclip"), ("skip_duplicates", "skip-duplicates")]
)
def test_a_misspelt_name_is_told_the_nearest(text: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=rf"did you mean {nearest}\?"):
        parse_reduction(text, B32, frames=12)


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "none"])
@pytest.mark.parametrize("options", ["?", "6,4", "B6-4,49,1", "B6-4,49/nonsense", "-1", "1/2/3"])
def test_malformed_options_are_refused_with_an_example(family: str, options: str) -> None:
    with pytest.raises(ValueError, match=rf"like ({family}:|B6-4,49)|as in {family}:"):
        parse_reduction(f"{family}:{options}", B32, frames=12)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_colon_with_nothing_behind_it_is_refused(family: str) -> None:
    with pytest.raises(ValueError, match=rf"'{family}:' says nothing after its colon: write {family}"):
        parse_reduction(f"{family}:", B32, frames=12)


def test_none_reduces_nothing() -> None:
    assert isinstance(parse_reduction("none", B32, frames=12), Unreduced)


def test_none_takes_no_options() -> None:
    with pytest.raises(ValueError, match="nothing to ask for: write none, not none:2"):
        parse_reduction("none:2", B32, frames=12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("centerclip:B12-4,49", "centerclip:B12-4,49 reduces after block 12.* 12 blocks.* from 0 to 11"),
        ("centerclip:B6-5,49", "cannot split 12 frames into 5 equal segments: .* 4 and 6"),
        ("centerclip:B6-24,49", "wants 24 segments of 12 frames: ask for 1 to 12"),
        ("spectral:B6-4,148", r"wants 148 tokens.* only 147 \(3 frames of 49\): ask for 1 to 147"),
        ("pooling:B6-7", "pooling:B6-7 cannot split 12 frames into 7 equal segments: .* 6 and 12"),
        ("pooling:B13-4", "pooling:B13-4 reduces after block 13"),
        ("sparse:B6-4,0", "sparse:B6-4,0 wants 0 tokens.*ask for 1 to 147"),
        ("frames:13", "frames:13 wants 13 of 12 frames: ask for 1 to 12"),
        ("tome:25", "tome:25 .*49"),
        ("pitome:25", "pitome:25 .*49"),
        ("tempme:2-2-2/2/0.7/0.9", "tempme:2-2-2/2/0.7/0.9 glues 8 frames.* there are 12.*2-2-3"),
    ],
)
def test_a_reduction_that_does_not_fit_is_refused_before_it_runs(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_reduction(text, B32, frames=12)


SHAPES = st.builds(TowerShape, st.integers(4, 32), st.integers(4, 400), st.integers(0, 1))


@given(st.sampled_from([*FAMILIES]), SHAPES, st.integers(1, 64))
def test_no_schedule_grows_and_each_block_takes_what_the_one_before_left(
    family: str, shape: TowerShape, frames: int
) -> None:
    sequences, tokens = frames, shape.class_tokens + shape.patches
    schedule = parse_reduction(family, shape, frames).schedule(shape, frames)
    assert len(schedule) == shape.layers
    if family == "frames":
        sequences = schedule[0].sequences
    for counts in schedule:
        assert counts.sequences <= sequences
        assert counts.sequences * counts.entering == sequences * tokens
        assert counts.entering >= counts.attended >= counts.leaving > shape.class_tokens
        sequences, tokens = counts.sequences, counts.leaving
