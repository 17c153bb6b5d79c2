"""What each client of the load test does; Locust runs this file (``app.benchmark.load_test`` starts it).

Every second search, as chance has it, is for new words, which must be encoded; the others are for fifty
sentences that are asked again and again. Clients do not pause: as many requests are under way as there are
clients.
"""

import random
from itertools import count

import gevent
from locust import FastHttpUser, task

from app.benchmark.queries import queries

KNOWN = 50

SENTENCES = list(queries())
NUMBERS = count(random.randrange(1_000_000))  # noqa: S311 - so that another run does not ask for the same

# Else the time that importing all this took would be taken off the time to run: gevent's clock stands still.
gevent.get_hub().loop.update_now()


class Searcher(FastHttpUser):
    """One client, with one open connection."""

    @task
    def search_new_words(self) -> None:
        """Search for words that nobody asked for yet."""
        number = next(NUMBERS)
        words = f"{SENTENCES[number % len(SENTENCES)]} {number}"
        self.client.get("/search", params={"q": words}, name="new words")

    @task
    def search_known_words(self) -> None:
        """Search for words that were asked before."""
        words = random.choice(SENTENCES[:KNOWN])  # noqa: S311 - no secret
        self.client.get("/search", params={"q": words}, name="asked before")
