"""The learning rate over a training's steps."""

from model.training.bundled.schedule import FIRST_SHARE, WARM_UP, rate_share


def test_the_rate_warms_up_and_then_falls_to_nothing() -> None:
    shares = [rate_share(spent) for spent in (0.0, WARM_UP, 0.5, 0.9, 1.0)]
    assert shares[0] == FIRST_SHARE
    assert shares[1] > shares[2] > shares[3] > shares[4]
    assert shares[4] < 1e-9
