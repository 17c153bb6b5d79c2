"""How a trained encoder is to be used: ``reelseek.json`` in its checkpoint folder."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from model.prompts import AS_TYPED, check_prompts
from model.token_reduction.naming import find_family

SETTINGS_FILE = "reelseek.json"

AUTO = "auto"
"""As a reduction: what suits the tower."""

FRAMES_PER_CLIP = 12
"""As in both papers' short-video settings (CLIP4Clip, arXiv 2104.08860)."""


@dataclass(frozen=True)
class ServingSettings:
    """What a checkpoint was trained with and is served with, beside its weights.

    Raises ValueError for an unknown reduction, frames that are no count, and prompts that cannot be filled.
    """

    reduction: str = AUTO
    """Token reduction of the video tower, as in ``centerclip:B6-4,49``, or ``auto``."""
    frames_per_clip: int = FRAMES_PER_CLIP
    """T."""
    prompts: tuple[str, ...] = AS_TYPED
    """What is put around the words of a search; of several, the vectors are averaged."""

    def __post_init__(self) -> None:
        if self.reduction != AUTO:
            find_family(self.reduction)
        if self.frames_per_clip < 1:
            raise ValueError(f"frames_per_clip is {self.frames_per_clip}: the least is 1")
        check_prompts(self.prompts)

    def to_json(self) -> str:
        """Return the content of ``reelseek.json``."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_serving_settings(folder: Path) -> ServingSettings:
    """Return the settings in a checkpoint folder, or the defaults where it has none.

    Raises ValueError, naming the file, if they cannot be read.
    """
    path = folder / SETTINGS_FILE
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ServingSettings()
    except (OSError, ValueError) as error:  # also what is no JSON, or no UTF-8
        raise ValueError(f"{path} cannot be used: {error}") from error


def _parse(values: object) -> ServingSettings:
    if not isinstance(values, dict):
        raise ValueError("it holds no JSON object")
    known = [field.name for field in fields(ServingSettings)]
    unknown = [name for name in values if name not in known]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no setting; there are {', '.join(known)}")
    for name, value in values.items():
        _check_type(name, value)
    given = {**values, "prompts": tuple(values["prompts"])} if "prompts" in values else values
    return ServingSettings(**given)


def _check_type(name: str, value: object) -> None:
    if name == "reduction" and not isinstance(value, str):
        raise ValueError(f"reduction is {value!r}: write a name in quotes, such as {AUTO} or centerclip")
    if name == "frames_per_clip" and type(value) is not int:  # true is an int too
        raise ValueError(f"frames_per_clip is {value!r}: write a whole number")
    is_list_of_texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if name == "prompts" and not is_list_of_texts:
        raise ValueError(f'prompts is {value!r}: write a list, such as ["a video of {{}}"]')
