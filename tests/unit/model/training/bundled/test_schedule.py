"""The learning rate over a training's budget."""

from torch import nn

from model.training.bundled.schedule import WARM_UP, make_optimizer, set_learning_rate


def rate_at(spent: float) -> float:
    optimizer = make_optimizer(nn.Linear(2, 2).parameters(), weight_decay=0.1)
    set_learning_rate(optimizer, 1e-3, spent)
    rates = {group["lr"] for group in optimizer.param_groups}
    assert len(rates) == 1
    return float(rates.pop())


def test_it_warms_up_and_then_falls_to_nothing() -> None:
    rates = [rate_at(spent) for spent in (0.0, WARM_UP, 0.5, 0.9, 1.0)]
    assert rates[0] == 0.0
    assert rates[1] > rates[2] > rates[3] > rates[4]
    assert rates[4] < 1e-9


def test_only_matrices_decay() -> None:
    layer = nn.Linear(3, 2)
    decayed, kept = make_optimizer(layer.parameters(), weight_decay=0.1).param_groups
    assert [p.shape for p in decayed["params"]] == [layer.weight.shape]
    assert [p.shape for p in kept["params"]] == [layer.bias.shape]
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
