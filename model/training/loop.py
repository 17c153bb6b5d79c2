"""The steps of a training: forward, backward, update; validate after each epoch; write the state down."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch.nn.utils import clip_grad_norm_

from model.evaluation.peak_memory import measure_peak_bytes
from model.training.contrastive import MicroBatch, backpropagate
from model.training.events import Observe, StepDone
from model.training.gathering import Processes
from model.training.loading import PairReader, read_ahead
from model.training.preparation import Prepared
from model.training.resume import TrainingState
from model.training.run import Speed, TrainingRun, Validation
from model.training.schedule import make_optimizer, set_learning_rate
from model.training.towers import Towers
from model.training.validation import Validator


class NotFiniteError(ArithmeticError):
    """The loss or the gradient of a step is no finite number; nothing was changed by that step."""

    def __init__(self, what: str, step: int, value: float) -> None:
        super().__init__(f"the {what} of step {step} is {value}")


@dataclass(frozen=True)
class Update:
    """What a step computed."""

    loss: float
    gradient_norm: float


class TrainingLoop:
    """Steps from where an unfinished training stopped, or from the first.

    Raises ValueError if the state on disk is of other settings.
    """

    def __init__(self, run: TrainingRun, prepared: Prepared, processes: Processes, observe: Observe) -> None:
        self._run = run
        self._prepared = prepared
        self._processes = processes
        self._observe = observe
        self._parameters = prepared.trainable.trained_parameters()
        self._optimizer = make_optimizer(prepared.trainable)
        self._towers = Towers(prepared.trainable, prepared.preprocessing, prepared.device, prepared.dtype)
        self._share = processes.share(prepared.sampler.batch)
        own_pairs = self._share.stop - self._share.start
        self._micro_batch = min(run.micro_batch or own_pairs, own_pairs)
        self._validator = Validator(
            prepared.validation.store,
            prepared.validation.tokens,
            prepared.recipe.frames,
            self._micro_batch,
            processes,
        )
        self.state = TrainingState(run.work, prepared.settings)
        self.progress = self.state.load(self._parameters, self._optimizer)
        """How far the training has come."""
        self._steps: list[StepDone] = []
        self._peak_memory = 0

    def train(self) -> Validation:
        """Take all steps that are left, and return what was measured of the best epoch.

        Raises NotFiniteError.
        """
        if not self.progress.validations:
            self._validate(epoch=0)
        epoch_steps = self._prepared.sampler.steps_per_epoch
        for step, batches, waiting_s in self._read():
            began = time.monotonic()
            update = self._measured(step, batches)
            self._note(step, update, time.monotonic() - began, waiting_s)
            done = self.progress.step
            is_epoch_end = done % epoch_steps == 0 or done == self._prepared.steps
            if is_epoch_end:
                self._validate(epoch=-(-done // epoch_steps))
            if is_epoch_end or done % self._run.save_every == 0:
                self._save()
        best = self.progress.best
        if best is None:  # no run ends without a validation, and no state of one is saved
            raise ValueError(f"{self.state.path} is of no whole training: begin anew with --restart")
        return best

    @property
    def speed(self) -> Speed:
        """What the steps of this process cost; zeros if it took none."""
        if not self._steps:
            return Speed(0.0, 0.0, 0.0, 0)
        return Speed(
            median(step.step_s for step in self._steps),
            median(step.waiting_s for step in self._steps),
            median(step.pictures_per_s for step in self._steps),
            self._peak_memory,
        )

    def restore(self, best: Validation) -> None:
        """Put the weights of the best epoch back."""
        self.state.load_best(self._parameters, best.epoch)

    def _read(self) -> Iterator[tuple[int, list[MicroBatch], float]]:
        """Yield each step that is left, its micro-batches, and how long they were waited for."""
        prepared = self._prepared
        reader = PairReader(
            prepared.training.store,
            prepared.training.tokens,
            prepared.sampler,
            prepared.recipe.frames,
            prepared.recipe.augments,
        )
        steps = range(self.progress.step, prepared.steps)
        batches = read_ahead(reader, steps, self._share, self._micro_batch, self._run.workers)
        for step in steps:
            began = time.monotonic()
            own = next(batches)
            yield step, own, time.monotonic() - began

    def _measured(self, step: int, batches: list[MicroBatch]) -> Update:
        """Return what the step computed; of the second step on a CPU, its memory is followed."""
        if self._prepared.device.type == "cuda":
            update = self._step(step, batches)
            self._peak_memory = torch.cuda.max_memory_allocated(self._prepared.device)
            return update
        if len(self._steps) != min(1, self._prepared.steps - 1):
            return self._step(step, batches)
        updates: list[Update] = []
        self._peak_memory = measure_peak_bytes(lambda: updates.append(self._step(step, batches)))
        return updates[0]

    def _step(self, step: int, batches: list[MicroBatch]) -> Update:
        prepared, recipe = self._prepared, self._prepared.recipe
        prepared.trainable.train()
        set_learning_rate(self._optimizer, step, prepared.steps, recipe.warm_up)
        self._optimizer.zero_grad()
        loss = backpropagate(
            self._towers.encode_pairs, batches, prepared.trainable.model.logit_scale, self._processes
        )
        _check_finite("loss", step, loss.item())
        self._processes.sum_gradients(self._parameters.values())
        norm = clip_grad_norm_(self._parameters.values(), recipe.gradient_norm)
        _check_finite("gradient", step, norm.item())
        self._optimizer.step()
        prepared.trainable.limit_temperature()
        return Update(loss.item(), norm.item())

    def _note(self, step: int, update: Update, step_s: float, waiting_s: float) -> None:
        self.progress = replace(self.progress, step=step + 1, losses=(*self.progress.losses, update.loss))
        prepared = self._prepared
        done = StepDone(
            step=step + 1,
            loss=update.loss,
            learning_rate=self._optimizer.param_groups[0]["lr"],
            scale=prepared.trainable.model.logit_scale.exp().item(),
            gradient_norm=update.gradient_norm,
            step_s=step_s,
            waiting_s=waiting_s,
            pictures_per_s=prepared.sampler.batch * prepared.recipe.frames / step_s,
            peak_memory_bytes=self._peak_memory,
        )
        self._steps.append(done)
        self._observe(done)

    def _validate(self, epoch: int) -> None:
        """Measure; where it is the best so far, keep the weights."""
        self._prepared.trainable.model.eval()
        validation = Validation(epoch, self.progress.step, self._validator.measure(self._towers))
        self.progress = replace(self.progress, validations=(*self.progress.validations, validation))
        if self._processes.is_first and self.progress.best is validation:
            self.state.save_best(self._parameters, epoch)
        self._observe(validation)

    def _save(self) -> None:
        if self._processes.is_first:
            self.state.save(self._parameters, self._optimizer, self.progress)


def _check_finite(what: str, step: int, value: float) -> None:
    if not math.isfinite(value):
        raise NotFiniteError(what, step + 1, value)
