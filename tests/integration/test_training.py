"""A whole training: what it learns, what it writes, and that it goes on after a kill as if there was none."""

import importlib
import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model.checkpoint import WEIGHTS_FILE
from model.datasets.frames import choose_frames
from model.evaluation.retrieval_metrics import rank, summarise
from model.factory import load_encoders
from model.training.events import Event, Observe, Started, StepDone
from model.training.loop import TrainingLoop
from model.training.resume import STATE_FILE
from model.training.run import Overrides, TrainingOutcome, TrainingRun
from model.training.trainer import TrainingStoppedError, train
from tests.toy_training import LOST, drawing_run, toy_checkpoint, toy_dataset, toy_run
from tests.training_process import WAIT_S, start

TINY_STEPS = Overrides(epochs=1, batch=8, learning_rate=1e-3, frames=2, words=12)


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an encoder and the dataset's frames, for trainings with outputs of their own."""
    folder = tmp_path_factory.mktemp("toy")
    toy_checkpoint(folder / "pretrained")
    return folder


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> TrainingOutcome:
    """Return what the training in which everything draws comes to in one go: 6 steps."""
    return train(drawing_run(tmp_path_factory.mktemp("uninterrupted")), read=toy_dataset)


@pytest.fixture
def run(toy_folder: Path, tmp_path: Path) -> TrainingRun:
    """Return a training of 3 steps."""
    return toy_run(toy_folder, output=tmp_path / "trained", overrides=TINY_STEPS)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute as the processes of these tests do: the order of sums depends on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(outcome: TrainingOutcome) -> dict[str, torch.Tensor]:
    return load_file(outcome.run.output / WEIGHTS_FILE)


def test_the_loss_falls_and_the_served_model_finds_every_video(toy_folder: Path, tmp_path: Path) -> None:
    overrides = Overrides(epochs=12, batch=12, learning_rate=3e-3, frames=2, words=12)
    run = toy_run(toy_folder, output=tmp_path / "trained", overrides=overrides, reducer="centerclip:B3-1,16")
    outcome = train(run, read=toy_dataset)
    assert np.mean(outcome.losses[-3:]) < 0.5 * np.mean(outcome.losses[:3])
    assert outcome.best.metrics.text_to_video.recall_at_1 > 90
    assert outcome.validations[0].metrics.text_to_video.recall_at_1 < 50
    encoders = load_encoders(str(run.output), device="cpu")
    assert encoders.settings.reduction == outcome.reduction == "centerclip:B3-1,16"
    items = toy_dataset("toy", tmp_path, "test").items
    frames = [item.media.render(32)[choose_frames(6, encoders.video.frames_per_clip)] for item in items]  # type: ignore[union-attr]
    videos = encoders.video.encode(np.stack(frames)).clips
    texts = encoders.text.encode([item.captions[0] for item in items])
    assert summarise(rank(texts @ videos.T, np.arange(12))).recall_at_1 > 80


def test_a_killed_training_goes_on_to_the_very_same_weights(
    uninterrupted: TrainingOutcome, tmp_path: Path
) -> None:
    process = start(tmp_path, "die-after", "5")
    try:
        output, _ = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGKILL, output
    run = drawing_run(tmp_path)
    assert (run.work / STATE_FILE).is_file()
    assert not run.output.exists()
    events: list[Event] = []
    outcome = train(run, observe=events.append, read=toy_dataset)
    assert next(event.done for event in events if isinstance(event, Started)) == 4
    assert [event.step for event in events if isinstance(event, StepDone)] == [5, 6]
    assert outcome.losses == uninterrupted.losses
    assert outcome.validations == uninterrupted.validations
    expected = weights(uninterrupted)
    for name, tensor in weights(outcome).items():
        assert torch.equal(tensor, expected[name]), name


def test_the_same_seed_trains_the_same_whatever_reads_the_frames_and_another_seed_does_not(
    run: TrainingRun, tmp_path: Path
) -> None:
    first = train(run, read=toy_dataset)
    again = train(_elsewhere(run, tmp_path / "again", workers=3), read=toy_dataset)
    other = train(_elsewhere(run, tmp_path / "other", seed=2), read=toy_dataset)
    assert first.losses == again.losses
    assert first.losses != other.losses
    assert all(torch.equal(weights(first)[name], tensor) for name, tensor in weights(again).items())


def test_fewer_pairs_at_once_and_checkpointing_train_the_same(run: TrainingRun, tmp_path: Path) -> None:
    whole = train(run, read=toy_dataset)
    thrifty = train(
        _elsewhere(run, tmp_path / "thrifty", micro_batch=3, checkpointing=True), read=toy_dataset
    )
    np.testing.assert_allclose(thrifty.losses, whole.losses, rtol=1e-4)


def test_a_loss_that_is_not_finite_stops_and_leaves_the_last_good_epoch(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _elsewhere(run, run.output, overrides=Overrides(epochs=2, batch=8, frames=2, words=12))
    step = TrainingLoop._step

    def spoil(self: TrainingLoop, number: int, batches: list) -> object:  # type: ignore[type-arg]
        if number == 4:
            with torch.no_grad():
                next(iter(self._parameters.values())).fill_(torch.nan)
        return step(self, number, batches)

    monkeypatch.setattr(TrainingLoop, "_step", spoil)
    with pytest.raises(TrainingStoppedError, match=r"loss of step 5 is nan.*Epoch 1.*--restart.*lower"):
        train(run, read=toy_dataset)
    assert load_encoders(str(run.output), device="cpu").settings.reduction == "none"
    monkeypatch.undo()
    finished = train(run, read=toy_dataset)  # the state of epoch 1 was good
    assert finished.steps == len(finished.losses) == 6


def test_other_settings_do_not_take_up_an_unfinished_training(run: TrainingRun) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(_elsewhere(run, run.output, save_every=1), observe=_interrupt_after(2), read=toy_dataset)
    with pytest.raises(ValueError, match=r"seed was 1 and is now 2.*--restart"):
        train(_elsewhere(run, run.output, seed=2), read=toy_dataset)
    outcome = train(_elsewhere(run, run.output, seed=2, restart=True), read=toy_dataset)
    assert len(outcome.losses) == 3
    with pytest.raises(ValueError, match=r"exists already: name another --output, or --restart"):
        train(run, read=toy_dataset)


def test_a_run_leaves_a_report_logs_and_no_state(uninterrupted: TrainingOutcome) -> None:
    run = uninterrupted.run
    report = json.loads((run.work / "training.json").read_text())
    assert report["losses"] == list(uninterrupted.losses)
    assert report["best"]["metrics"]["text_to_video"]["recall_sum"] > 0
    assert [refusal["name"] for refusal in report["refusals"]] == [LOST.name]
    assert [validation.epoch for validation in uninterrupted.validations] == [0, 1, 2]
    assert not list(run.work.glob("unfinished*"))
    settings = json.loads((run.output / "reelseek.json").read_text())
    assert settings["reduction"] == "sparse:B2-1,16"
    assert settings["frames_per_clip"] == 2


def test_tensorboard_shows_every_figure_of_every_step(uninterrupted: TrainingOutcome) -> None:
    reader = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")

    log = reader.EventAccumulator(str(uninterrupted.run.work / "logs"))
    log.Reload()
    losses = [scalar.value for scalar in log.Scalars("training/loss")]
    np.testing.assert_allclose(losses, uninterrupted.losses, rtol=1e-6)
    assert [scalar.step for scalar in log.Scalars("text_to_video/recall_sum")] == [0, 3, 6]
    assert {
        "training/learning_rate",
        "training/scale",
        "training/gradient_norm",
        "speed/step_s",
        "speed/pictures_per_s",
        "memory/peak_bytes",
    } <= set(log.Tags()["scalars"])


def test_tempme_learns_positions_that_are_served(toy_folder: Path, tmp_path: Path) -> None:
    overrides = Overrides(epochs=1, batch=12, frames=8, words=12)
    run = toy_run(
        toy_folder, output=tmp_path / "trained", overrides=overrides, recipe="tempme", reducer="auto"
    )
    outcome = train(run, read=toy_dataset)
    assert outcome.reduction == "tempme:2-2-2/2/0.7/0.9"
    assert load_encoders(str(run.output), device="cpu").settings.positions_sha256 is not None
    assert outcome.trained_parameters == 5 * 8 * 4 * 32 + 8 * 4 * 16 + (8 + 4 + 2) * 32


def _interrupt_after(step: int) -> Observe:
    def observe(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == step + 1:
            raise KeyboardInterrupt

    return observe


def _elsewhere(run: TrainingRun, output: Path, **changes: object) -> TrainingRun:
    return replace(run, output=output, **changes)  # type: ignore[arg-type]
