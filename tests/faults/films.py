"""Films for clients to upload: few kinds, any number of different bytes, small."""

import struct
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.synthetic_video import flat, write_two_scenes, write_video


@dataclass(frozen=True)
class Film:
    """A kind of film, and how many clips it has; None for what is none."""

    content: bytes
    clips: int | None

    def copy(self, chance: Random) -> bytes:
        """Return a film that looks the same and has other bytes."""
        return self.content + struct.pack(">I4s16s", 24, b"free", chance.randbytes(16))


def render_films(folder: Path, chance: Random) -> list[Film]:
    """Return films of one scene in several colours, one of two scenes, and two that cannot be indexed."""
    films = []
    for number in range(8):
        picture = flat([chance.randrange(20, 235) for _ in range(3)])
        path = write_video(folder / f"{number}.mp4", [(place / 10, picture) for place in range(10)])
        films.append(Film(path.read_bytes(), 1))
    two = write_two_scenes(folder / "two.mp4", cut_s=2.0, duration_s=4.0).read_bytes()
    return [*films, Film(two, 2), Film(two, 2), Film(b"no film at all\n" * 100, None)]
