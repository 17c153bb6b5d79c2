"""All arms of a backbone, encoding and then training, side by side."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from model.evaluation.efficiency.arms import Arm, Backbone
from model.evaluation.efficiency.figures import ArmFigures, Conditions, Failure, TrainingFigures
from model.evaluation.efficiency.modes import Mode, prepare_encoding, prepare_training
from model.evaluation.peak_memory import measure_peak_bytes
from model.evaluation.reduction_share import profile_reduction_share
from model.evaluation.timing import Spread, ratios, synchronise, time_interleaved

COARSE_PIXELS = 16
"""Side of the random picture that a video shows, before it is enlarged."""

FRAME_NOISE = 0.05
"""What a frame has for itself, besides a step to the right, in standard deviations of a pixel."""

PROFILED_RUNS = 3

Run = Callable[[], object]


class Timed(NamedTuple):
    """An arm that ran, and its seconds in each repetition."""

    arm: Arm
    run: Run
    first_run_s: float
    seconds: list[float]


class BackboneMeasurement:
    """The measurement of one backbone's arms; the first is the baseline.

    ``failures`` says of arms that could not be run why.
    """

    def __init__(self, backbone: Backbone, arms: list[Arm], conditions: Conditions) -> None:
        self.failures: list[Failure] = []
        self._backbone = backbone
        self._arms = arms
        self._conditions = conditions
        pictures = video_like_pictures(backbone.image_size, conditions.batch, conditions.frames)
        self._pictures = pictures.to(conditions.device)

    def measure(self) -> list[ArmFigures]:
        """Return the figures of the arms that encode, in their order; none if the baseline does not."""
        encoding = self._measure_encoding()
        if not encoding or not self._conditions.training_repeats:
            return encoding
        training = self._measure_training([figures.arm for figures in encoding])
        return [replace(figures, training=training.get(figures.arm.reduction)) for figures in encoding]

    def _measure_encoding(self) -> list[ArmFigures]:
        conditions, tower = self._conditions, self._backbone.tower
        tower.to(conditions.dtype).eval()
        pictures = self._pictures.to(conditions.dtype)
        timed = self._time(
            "encoding",
            self._arms,
            lambda arm: prepare_encoding(arm.tower, pictures, conditions.mode),
            conditions.repeats,
        )
        return [self._encoding_figures(one, timed[0], pictures) for one in timed]

    def _encoding_figures(self, one: Timed, baseline: Timed, pictures: Tensor) -> ArmFigures:
        eager = prepare_encoding(one.arm.tower, pictures, Mode.EAGER)
        return ArmFigures(
            arm=one.arm,
            ideal_speedup=baseline.arm.macs / one.arm.macs,
            seconds=Spread.of(one.seconds),
            videos_per_s=Spread.of([self._conditions.batch / seconds for seconds in one.seconds]),
            speedup=Spread.of(ratios(baseline.seconds, one.seconds)),
            reduction_share=median(profile_reduction_share(eager) for _ in range(PROFILED_RUNS)),
            peak_bytes=self._peak_bytes(one.run if self._shows_its_memory else eager, pictures),
            first_run_s=one.first_run_s,
            training=None,
        )

    def _measure_training(self, arms: list[Arm]) -> dict[str, TrainingFigures]:
        conditions, tower = self._conditions, self._backbone.tower
        tower.to(torch.float32).train()
        targets = torch.randn(conditions.batch, self._backbone.trunk.dimension, device=conditions.device)
        targets = normalize(targets, dim=-1)

        def prepare(arm: Arm, mode: Mode) -> Run:
            return prepare_training(arm.tower, self._pictures, targets, mode, conditions.dtype)

        timed = self._time(
            "training", arms, lambda arm: prepare(arm, conditions.mode), conditions.training_repeats
        )
        return {
            one.arm.reduction: TrainingFigures(
                step_s=Spread.of(one.seconds),
                speedup=Spread.of(ratios(timed[0].seconds, one.seconds)),
                peak_bytes=self._peak_bytes(
                    one.run if self._shows_its_memory else prepare(one.arm, Mode.EAGER), self._pictures
                ),
            )
            for one in timed
        }

    @property
    def _shows_its_memory(self) -> bool:
        """Whether a run's own memory can be seen; else that of the same run, step by step, must tell.

        A recorded graph holds its memory for good, and on a CPU compiled code makes tensors unseen.
        """
        mode = self._conditions.mode
        return mode is Mode.EAGER or (mode is Mode.COMPILED and self._conditions.device.type == "cuda")

    def _time(self, stage: str, arms: list[Arm], prepare: Callable[[Arm], Run], repeats: int) -> list[Timed]:
        """Return the arms that ran, the baseline first; none if it failed."""
        started: list[tuple[Arm, Run, float]] = []
        for arm in arms:
            before = perf_counter()
            try:
                run = self._start(arm, prepare)
            except RuntimeError as error:  # out of memory, or nothing that can be compiled or recorded
                self.failures.append(Failure(arm.backbone, arm.reduction, stage, _first_line(error)))
                if not started:
                    return []
            else:
                started.append((arm, run, perf_counter() - before))
        seconds = time_interleaved(
            [run for _, run, _ in started],
            repeats=repeats,
            warm_up=self._conditions.warm_up,
            device=self._conditions.device,
        )
        return [Timed(*ready, taken) for ready, taken in zip(started, seconds, strict=True)]

    def _start(self, arm: Arm, prepare: Callable[[Arm], Run]) -> Run:
        run = prepare(arm)
        run()
        synchronise(self._conditions.device)
        return run

    def _peak_bytes(self, run: Run, pictures: Tensor) -> int:
        """Return the bytes of weights and pictures, and the most that ``run`` takes beside them."""
        tower, device = self._backbone.tower, self._conditions.device
        tower.zero_grad(set_to_none=True)  # gradients of the run before
        if device.type != "cuda":
            return measure_peak_bytes(run)
        held = pictures.nbytes + sum(weight.nbytes for weight in tower.parameters())
        before = torch.cuda.memory_allocated(device)  # also by the other arms, such as recorded graphs
        return held + measure_peak_bytes(run, str(device)) - before


def video_like_pictures(image_size: int, videos: int, frames: int, seed: int = 0) -> Tensor:
    """Return pictures (videos*frames, 3, size, size) that nearly repeat each other within a video."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(videos, 3, COARSE_PIXELS, COARSE_PIXELS, generator=generator)
    scenes = interpolate(coarse, (image_size, image_size), mode="bilinear")
    moved = torch.stack([scenes.roll(step, 3) for step in range(frames)], 1).flatten(0, 1)
    return moved + FRAME_NOISE * torch.randn(moved.shape, generator=generator)


def _first_line(error: RuntimeError) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
