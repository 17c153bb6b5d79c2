"""The most bytes live at one time, in cases that can be reckoned by hand, and in training on videos."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import scaled_dot_product_attention

from model.evaluation.peak_memory import mean_token_share, measure_peak_bytes, predict_peak_bytes
from model.token_reduction.base import LayerTokens, TowerShape

KILO = 4000
"""Bytes of 1000 numbers in float32."""


@pytest.fixture(params=[nullcontext, FakeTensorMode, torch.inference_mode], autouse=True)
def tensors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run each test with real tensors, fake ones, and without gradients."""
    mode: AbstractContextManager[object] = request.param()
    with mode:
        yield


def numbers(thousands: int = 1) -> Tensor:
    return torch.zeros(thousands * 1000)


def test_a_chain_holds_its_start_and_two_links() -> None:
    start = numbers()
    assert measure_peak_bytes(lambda: (((start + 1) + 1) + 1) + 1) == 3 * KILO


def test_what_is_kept_adds_up_and_what_is_dropped_does_not() -> None:
    start = numbers()

    def run() -> list[Tensor]:
        dropped = start + 1
        kept = [start + 2, start + 3]
        del dropped
        return [*kept, start + 4]

    assert measure_peak_bytes(run) == 4 * KILO


def test_views_take_nothing() -> None:
    start = numbers()
    assert measure_peak_bytes(lambda: start.view(10, 100).t()[2:].expand(3, 98, 10).unbind(1)) == KILO


def test_a_view_keeps_the_whole_alive() -> None:
    def run() -> Tensor:
        corner = numbers(3)[:5]
        return torch.cat([corner, numbers(2)])

    assert measure_peak_bytes(run) == 5 * KILO + 4 * 2005


def test_a_change_in_place_takes_nothing() -> None:
    start = numbers()
    assert measure_peak_bytes(lambda: start.mul_(2).add_(1).clamp_(min=0)) == KILO


def test_what_was_there_before_counts_from_the_start_however_late_it_is_read() -> None:
    start, late = numbers(), numbers(5)

    def run() -> None:
        first = start + 1
        second = first + 1
        del first, second
        late.add_(1)

    assert measure_peak_bytes(run) == 8 * KILO


def test_a_tensor_that_grows_counts_at_its_new_size() -> None:
    start = numbers(2)

    def run() -> Tensor:
        grown = torch.empty(0)
        return torch.add(start, 1, out=grown)

    assert measure_peak_bytes(run) == 4 * KILO


def test_nothing_is_counted_twice_when_measured_again() -> None:
    start = numbers()
    peaks = {measure_peak_bytes(lambda: (start + 1) * 2) for _ in range(3)}
    assert peaks == {3 * KILO}


def test_attention_in_one_kernel_holds_no_matrix_of_all_pairs() -> None:
    tokens, heads, channels = 500, 2, 8
    values = torch.zeros(1, heads, tokens, channels)
    peak = measure_peak_bytes(lambda: scaled_dot_product_attention(values, values, values))
    assert peak == 2 * values.nbytes + 4 * heads * tokens  # in, out, and the logarithm of each token's sum


def run_backward(*, keep_graph: bool) -> int:
    with torch.inference_mode(False):
        weight = torch.zeros(1000, requires_grad=True)

        def run() -> Tensor:
            held = weight
            for _ in range(5):
                held = held.exp()  # kept for the backward pass
            loss = held.sum()
            del held
            loss.backward(retain_graph=keep_graph)
            weight.grad = None
            after = [torch.empty(1000) for _ in range(5)]
            return loss + len(after)

        return measure_peak_bytes(run)


def test_the_backward_pass_frees_what_the_forward_pass_kept() -> None:
    # The weight, five links and the first gradient; then gradients take the place of links, and the five
    # tensors that follow that of both. If the links stay, weight, links and those five are the most. Sums and
    # their gradients are four bytes each.
    assert run_backward(keep_graph=False) == 7 * KILO + 8
    assert run_backward(keep_graph=True) == 11 * KILO + 8


def test_the_share_of_tokens_is_that_of_the_memory_model() -> None:
    whole, half = LayerTokens(12, 50, 50, 50), LayerTokens(4, 150, 50, 50)
    schedule = (whole,) * 6 + (half,) + (LayerTokens(4, 50, 50, 50),) * 5
    assert mean_token_share(schedule, TowerShape(12, 49, 1), 12) == pytest.approx(1 / 2 + 4 / 12 / 2)


@pytest.mark.parametrize(
    ("segments", "share", "gigabytes"), [(6, 0.75, 16.4), (4, 2 / 3, 14.9), (3, 0.625, 14.2)]
)
def test_the_published_memory_of_twelve_frames_lies_on_a_line(
    segments: int, share: float, gigabytes: float
) -> None:
    known, other = (1.0, 20_800_000_000), (0.0, 3_200_000_000)
    assert predict_peak_bytes(share, known, other) / 1e9 == pytest.approx(gigabytes, abs=0.06)


def test_two_runs_of_one_share_predict_nothing() -> None:
    with pytest.raises(ValueError, match=r"share 0\.5"):
        predict_peak_bytes(1, (0.5, 10), (0.5, 20))


def test_an_error_inside_the_run_comes_out() -> None:
    run: Callable[[], object] = lambda: torch.zeros(2) @ torch.zeros(3)  # noqa: E731
    with pytest.raises(RuntimeError):
        measure_peak_bytes(run)
