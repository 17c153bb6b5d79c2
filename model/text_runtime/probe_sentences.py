"""Sentences that a faster tower is tried with, each in two wordings."""

COUNT = 240

SUBJECTS = """a man|a woman|two children|an old lady|a small brown dog|a black cat|a crowd of people
a cyclist|a chef|a football team|a news reader|a bird|three horses|a surfer|a red car
a train|a boy in a green shirt|a band|a speaker|an astronaut"""

ACTIONS = """cooking pasta|running|talking to the camera|playing the guitar|jumping over a fence
eating an apple|dancing|driving fast|sleeping|reading a book|washing the floor
throwing a ball|crossing a street|climbing|swimming|opening a box|laughing
painting a wall|waiting|falling"""

PLACES = """in a kitchen|on a beach at sunset|in the rain|at night|in a stadium|on a snowy mountain
in a living room|under water|in a dark street with many lights|on a stage
in a garden full of flowers|indoors"""


def probe_sentences() -> tuple[list[str], list[str]]:
    """Return ``COUNT`` sentences as people search with them, and the same scenes told in other words."""
    subjects, actions, places = _split(SUBJECTS), _split(ACTIONS), _split(PLACES)
    asked, told = [], []
    for number in range(COUNT):  # strides that meet no scene twice
        subject = subjects[number % len(subjects)]
        action = actions[(7 * number + number // len(subjects)) % len(actions)]
        place = places[(5 * number + number // 60) % len(places)]
        asked.append(f"{subject} {action} {place}" if number % 3 else f"{subject} {action}")
        told.append(f"a film that shows, {place}, how {subject} is {action}")
    return asked, told


def _split(phrases: str) -> list[str]:
    return phrases.replace("\n", "|").split("|")
