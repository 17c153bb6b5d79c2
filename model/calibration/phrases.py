"""A bank of general search phrases: what people might look for in any library of videos.

Our own text, made by a small grammar of subjects × actions × places, and of bare nouns; no data set has a
part in it. It stands for "queries in general" wherever one query is compared with others.
"""

import hashlib
from collections.abc import Iterator, Sequence

PEOPLE = (
    "a man|a woman|a child|a boy|a girl|a baby|a toddler|a teenager|an old man|an old woman|a young couple|"
    "two friends|a group of people|a crowd|a family|a teacher|a doctor|a cook|a farmer|a soldier|a dancer|"
    "a musician|an athlete|a cyclist|a worker|a tourist|a bride and groom|someone|hands|a police officer"
).split("|")

DEEDS = (
    "walking|running|jumping|dancing|singing|talking|laughing|crying|eating|drinking|cooking|reading a book|"
    "writing|typing on a laptop|talking on the phone|taking a photo|playing the guitar|playing the piano|"
    "playing football|playing basketball|playing tennis|riding a bicycle|riding a horse|driving a car|"
    "swimming|diving|surfing|skiing|skateboarding|climbing|fishing|painting|drawing|cutting vegetables|"
    "washing dishes|cleaning the floor|building a wall|repairing a machine|watering plants|opening a box|"
    "pouring a drink|throwing a ball|waving|hugging|kissing|shaking hands|sleeping|stretching|"
    "lifting weights|boxing|marching|giving a speech|playing chess|blowing out candles|brushing teeth|"
    "cutting hair|sewing|looking at the camera|carrying a bag|pushing a cart|holding an umbrella|"
    "feeding a bird|smiling"
).split("|")

ANIMALS = (
    "a dog|a puppy|a cat|a kitten|a horse|a cow|a sheep|a goat|a pig|a rabbit|a bird|a duck|a swan|an eagle|"
    "an owl|a parrot|a chicken|a monkey|an elephant|a lion|a tiger|a bear|a wolf|a fox|a deer|a giraffe|"
    "a zebra|a snake|a turtle|a frog|a fish|a shark|a whale|a dolphin|a butterfly|a bee|a spider|a crab"
).split("|")

ANIMAL_DEEDS = (
    "sleeping|eating|drinking|running|jumping|playing|swimming|looking around|sitting|walking|hiding|"
    "with its young|chasing something|being fed"
).split("|")

MACHINES = (
    "a car|a truck|a bus|a train|a tram|an aeroplane|a helicopter|a boat|a sailing ship|a motorcycle|"
    "a bicycle|a tractor|an excavator|a rocket|a drone|a robot|an ambulance|a fire engine|a race car|a taxi"
).split("|")

MACHINE_DEEDS = (
    "moving fast|turning|stopping|parked|starting|passing by|broken down|being loaded|seen from above|"
    "with its lights on"
).split("|")

PLACES = (
    "in a park|on a beach|in a kitchen|in an office|on a street|in a forest|on a mountain|at home|"
    "in a garden|in the snow|in the rain|by a river|on a lake|in a classroom|on a stage|in a stadium|"
    "at a market|in a shop|in a restaurant|at a station|at an airport|on a bridge|in a field|on a farm|"
    "in a factory|in a hospital|in a gym|at a party|at a wedding|in a museum|in a desert|under water|"
    "on a roof|in a car|in a tunnel|at night|at sunset|in the fog|in a city|in a village|in a bedroom|"
    "on a sofa|at a table|on the grass|in a swimming pool|in a workshop|on a playground|in a church"
).split("|")

NOUNS = (
    "person|face|hand|eyes|hair|smile|beard|hat|cap|helmet|glasses|shirt|dress|suit|jacket|shoes|uniform|mask|"
    "bag|backpack|umbrella|watch|ring|necklace|phone|laptop|keyboard|screen|camera|television|radio|"
    "microphone|headphones|speaker|guitar|piano|violin|drum|trumpet|book|newspaper|letter|map|pen|paper|"
    "table|chair|sofa|bed|lamp|mirror|window|door|stairs|wall|roof|floor|carpet|curtain|clock|candle|"
    "fire|smoke|water|ice|snow|rain|cloud|sky|sun|moon|stars|lightning|rainbow|storm|wave|sea|river|lake|"
    "waterfall|beach|island|mountain|hill|valley|cave|desert|forest|tree|leaf|flower|grass|field|garden|park|"
    "road|street|path|bridge|tunnel|tower|castle|church|temple|house|apartment|skyscraper|factory|barn|school|"
    "hospital|station|airport|harbour|market|shop|restaurant|cafe|bar|kitchen|bathroom|bedroom|office|garage|"
    "stadium|court|gym|playground|swimming pool|stage|museum|library|city|village|skyline|crowd|parade|"
    "concert|wedding|birthday|party|meeting|interview|lecture|speech|race|match|fight|accident|explosion|"
    "fireworks|dance|ballet|yoga|boxing|football|basketball|baseball|volleyball|tennis|golf|hockey|cricket|"
    "swimming|surfing|skiing|snowboarding|skateboarding|climbing|cycling|running|fishing|camping|hiking|"
    "cooking|baking|gardening|painting|drawing|sewing|knitting|cleaning|shopping|breakfast|lunch|dinner|bread|"
    "cake|pizza|soup|salad|rice|noodles|meat|egg|cheese|fruit|apple|banana|orange|strawberry|tomato|potato|"
    "carrot|onion|coffee|tea|milk|juice|wine|beer|bottle|glass|cup|bowl|plate|knife|spoon|pan|oven|fridge|"
    "hammer|saw|drill|screwdriver|ladder|rope|wheel|engine|tyre|battery|cable|tool|toy|doll|balloon|ball|"
    "kite|puzzle|chess|cards|computer game|animation|cartoon|logo|text|diagram|graph|slide|subtitles|flag|"
    "sign|poster|statue|painting on a wall|photograph|money|gift|box|basket|bucket|bench|fence|gate|tent|"
    "boat|ship|canoe|car|truck|bus|train|motorcycle|bicycle|scooter|tractor|aeroplane|helicopter|rocket|"
    "satellite|planet|telescope|microscope|laboratory|experiment|robot|drone|traffic|traffic light|car park|"
    "dog|cat|horse|cow|sheep|goat|pig|rabbit|mouse|bird|duck|swan|eagle|owl|chicken|monkey|elephant|lion|"
    "tiger|bear|wolf|fox|deer|giraffe|zebra|snake|turtle|frog|fish|shark|whale|dolphin|butterfly|bee|insect|"
    "baby|child|boy|girl|man|woman|couple|family|friends|team|audience|dancer|singer|musician|player|runner|"
    "teacher|student|doctor|nurse|police|soldier|firefighter|farmer|chef|waiter|worker|clown|bride|president"
).split("|")

MANNERS = (
    "close-up of {}|{} in slow motion|{} from above|{} at night|a person and {}|old footage of {}".split("|")
)

CROSSED = 5
"""Actions drawn for each subject, each once with a place and once without."""


def search_phrases() -> tuple[str, ...]:
    """Return all phrases of the bank, each once, in an order that does not change."""
    return tuple(dict.fromkeys(_speak()))


def digest(phrases: Sequence[str]) -> str:
    """Return the sha256 of ``phrases``: two banks of equal digests ask the same."""
    return hashlib.sha256("\n".join(phrases).encode()).hexdigest()


def _speak() -> Iterator[str]:
    yield from NOUNS
    yield from (*PEOPLE, *ANIMALS, *MACHINES)
    for place, noun in enumerate(NOUNS[::3]):
        yield MANNERS[place % len(MANNERS)].format(noun)
    yield from _sentences(PEOPLE, DEEDS, step=10)
    yield from _sentences(ANIMALS, ANIMAL_DEEDS, step=5)
    yield from _sentences(MACHINES, MACHINE_DEEDS, step=3)
    yield from DEEDS


def _sentences(subjects: Sequence[str], deeds: Sequence[str], step: int) -> Iterator[str]:
    """Yield sentences that use subjects, deeds and places evenly, none of them in a fixed pair."""
    for number, subject in enumerate(subjects):
        for turn in range(CROSSED):
            count = number * CROSSED + turn
            deed = deeds[count * step % len(deeds)]
            yield f"{subject} {deed}"
            yield f"{subject} {deed} {PLACES[count * 11 % len(PLACES)]}"
