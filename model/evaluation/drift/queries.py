"""What people look for in their videos, as queries whose rankings are compared. No labels are needed."""

from pathlib import Path

EVERYDAY_QUERIES = """\
a person talking to the camera
people dancing
children playing
a baby crawling
a birthday cake with candles
a wedding
friends eating at a table
cooking in a kitchen
a cup of coffee
a dog running
a cat on a sofa
a bird on the water
a horse in a field
fish under water
a car on a road
traffic in a city at night
a train arriving
an aeroplane in the sky
a boat on the sea
riding a bicycle
a beach with waves
mountains with snow
a forest in autumn
flowers in a garden
rain on a window
a sunset
fireworks
a football game
playing basketball
swimming in a pool
skiing down a slope
doing yoga
playing the guitar
a concert with a crowd
reading a book
typing on a computer
a presentation with slides
a cartoon
a close-up of hands
an empty room
""".splitlines()


def read_queries(path: Path) -> list[str]:
    """Return the queries in a text file, one a line; raises ValueError if it cannot be read or has none."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): name a file of queries") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error.reason}): save it as UTF-8") from error
    queries = [line for line in lines if line]
    if not queries:
        raise ValueError(f"{path} holds no query: write one a line")
    return queries
