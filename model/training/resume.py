"""The state of an unfinished training on disk: written whole, read back bit for bit, and never unpickled.

One safetensors file holds the trained weights and AdamW's moments; its header holds, as JSON, the step, what
was measured so far, and the settings that the numbers depend on. No state of a random generator is in it: all
that is drawn follows from seed, epoch and pair. Weights that are not trained come from the preset again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import AdamW

from model.durable_file import whole_file
from model.evaluation.caption_groups import CaptionMetrics
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.training.run import Validation

STATE_FILE = "unfinished-training.safetensors"
BEST_PATTERN = "unfinished-best-{epoch}.safetensors"
"""A file an epoch, so that a state never means weights which a later epoch has replaced."""

HEADER = "training"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")

Settings = Mapping[str, object]
"""Names and JSON values of all that the numbers of a training depend on."""


@dataclass(frozen=True)
class Progress:
    """How far a training has come."""

    step: int = 0
    """Steps done."""
    losses: tuple[float, ...] = ()
    """One a step."""
    validations: tuple[Validation, ...] = ()

    @property
    def best(self) -> Validation | None:
        """The validated epoch with the highest R-Sum of text → video, the later of equals.

        The few videos that a small folder holds out hardly tell epochs apart, and the first learned least.
        """
        trained = [validation for validation in self.validations if validation.epoch > 0]
        return max(
            trained, key=lambda found: (found.metrics.text_to_video.recall_sum, found.epoch), default=None
        )


class TrainingState:
    """The files of one unfinished training in its work folder."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings: dict[str, object] = json.loads(json.dumps(dict(settings)))

    @property
    def path(self) -> Path:
        """The file of the last state."""
        return self._folder / STATE_FILE

    def load(self, parameters: Mapping[str, nn.Parameter], optimizer: AdamW) -> Progress:
        """Put the saved weights and moments back, if there are any, and return how far they have come.

        Raises ValueError if the state is of other settings, naming them, or is damaged.
        """
        if not self.path.is_file():
            return Progress()
        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads(file.metadata()[HEADER])
                self._check(header["settings"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"{self.path} cannot be read ({error}): begin anew with --restart, or name another --output"
            ) from error
        _restore(parameters, optimizer, tensors)
        return Progress(header["step"], tuple(header["losses"]), _read_validations(header["validations"]))

    def save(self, parameters: Mapping[str, nn.Parameter], optimizer: AdamW, progress: Progress) -> None:
        """Write the state in place of the last one, whole or not at all, and drop outdated best weights."""
        tensors = {f"weights/{name}": parameter.detach() for name, parameter in parameters.items()}
        for name, parameter in parameters.items():
            for moment in MOMENTS:
                if parameter in optimizer.state:
                    tensors[f"{moment}/{name}"] = optimizer.state[parameter][moment]
        header = {
            "settings": self._settings,
            "step": progress.step,
            "losses": progress.losses,
            "validations": [asdict(validation) for validation in progress.validations],
        }
        _write(self.path, tensors, {HEADER: json.dumps(header)})
        best = progress.best
        for path in self._folder.glob(BEST_PATTERN.format(epoch="*")):
            if best is None or path != self._best_path(best.epoch):
                path.unlink()

    def save_best(self, parameters: Mapping[str, nn.Parameter], epoch: int) -> None:
        """Keep the weights of ``epoch``, which ranks the validation split best so far."""
        _write(self._best_path(epoch), {name: weight.detach() for name, weight in parameters.items()})

    def load_best(self, parameters: Mapping[str, nn.Parameter], epoch: int) -> None:
        """Put the weights of the best ``epoch`` back."""
        with safe_open(self._best_path(epoch), framework="pt") as file, torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(file.get_tensor(name))

    def remove(self) -> None:
        """Remove the state and the best weights; there may be none."""
        self.path.unlink(missing_ok=True)
        for path in self._folder.glob(BEST_PATTERN.format(epoch="*")):
            path.unlink()

    def _best_path(self, epoch: int) -> Path:
        return self._folder / BEST_PATTERN.format(epoch=epoch)

    def _check(self, saved: Settings) -> None:
        names = [name for name in self._settings | dict(saved) if self._settings.get(name) != saved.get(name)]
        if names:
            changes = "; ".join(
                f"{name} was {saved.get(name)!r} and is now {self._settings.get(name)!r}" for name in names
            )
            raise ValueError(
                f"{self._folder} holds an unfinished training with other settings: {changes}. Give it the "
                "same settings to go on with it, --restart to throw it away, or another --output"
            )


def _restore(parameters: Mapping[str, nn.Parameter], optimizer: AdamW, tensors: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[f"weights/{name}"])
            if f"step/{name}" in tensors:
                state = {moment: tensors[f"{moment}/{name}"] for moment in MOMENTS}
                device = parameter.device
                optimizer.state[parameter] = state | {
                    moment: state[moment].to(device) for moment in MOMENTS if moment != "step"
                }


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    with whole_file(path) as unfinished:
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, unfinished, metadata)


def _read_validations(values: list[dict[str, Any]]) -> tuple[Validation, ...]:
    return tuple(
        Validation(
            value["epoch"],
            value["step"],
            CaptionMetrics(**{side: RetrievalMetrics(**found) for side, found in value["metrics"].items()}),
        )
        for value in values
    )
