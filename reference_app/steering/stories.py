"""Seeded toy stories: the text the embedded language model learns.

Promise: `stories(n, seed)` gives the same n stories for the same seed, on any machine.
Every story keeps to one of eight topics and drifts to another now and then. Each topic
word belongs to exactly one topic, so text and probability mass can be counted by topic.
"""

import random
from dataclasses import dataclass

#: Chance per sentence that a story changes its topic.
DRIFT = 0.08
#: Fewest and most sentences of a story.
SENTENCES = (3, 6)

NAMES = ("mira", "tom", "yusuf", "lena", "oscar", "ines", "pavel", "ruth")
OPENINGS = (
    "one morning",
    "before sunrise",
    "at noon",
    "all at once",
    "long ago",
    "that winter",
    "meanwhile",
    "soon",
)
MOODS = (("happy", "calm", "proud", "merry"), ("sad", "angry", "tired", "afraid"))


@dataclass(frozen=True)
class Topic:
    """The words of one topic; verbs are in the past tense."""

    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    places: tuple[str, ...]
    adjectives: tuple[str, ...]

    @property
    def words(self) -> frozenset[str]:
        """Every word that counts as this topic."""
        return frozenset(self.nouns + self.verbs + self.places + self.adjectives)


def _topic(nouns: str, verbs: str, places: str, adjectives: str) -> Topic:
    return Topic(*(tuple(w.split()) for w in (nouns, verbs, places, adjectives)))


TOPICS = {
    "sea": _topic(
        "sailor dolphin ferry anchor lobster diver gull reef",
        "sailed surfaced drifted docked",
        "harbour lagoon pier shipyard",
        "salty tidal briny coral",
    ),
    "space": _topic(
        "astronaut rocket comet probe satellite pilot capsule rover",
        "orbited launched landed blinked",
        "moon crater observatory launchpad",
        "lunar distant weightless stellar",
    ),
    "kitchen": _topic(
        "baker oven soup kettle ladle pastry cook dumpling",
        "simmered baked boiled sizzled",
        "pantry bakery stove cellar",
        "sweet crusty spicy buttery",
    ),
    "forest": _topic(
        "fox owl badger hunter oak beetle deer woodpecker",
        "howled burrowed nested crept",
        "clearing hollow thicket glade",
        "mossy leafy wild shady",
    ),
    "music": _topic(
        "drummer violin choir singer trumpet pianist melody guitar",
        "sang hummed strummed rehearsed",
        "stage studio theatre bandstand",
        "loud gentle tuneful rhythmic",
    ),
    "railway": _topic(
        "locomotive conductor carriage porter signal whistle freight engineer",
        "rattled departed shunted braked",
        "platform tunnel depot viaduct",
        "rusty punctual diesel steamy",
    ),
    "farm": _topic(
        "farmer tractor goat rooster shepherd pumpkin donkey scarecrow",
        "ploughed grazed crowed harvested",
        "barn meadow orchard stable",
        "muddy woolly ripe stubborn",
    ),
    "castle": _topic(
        "knight dragon queen wizard jester sword squire herald",
        "marched duelled feasted bowed",
        "tower dungeon courtyard drawbridge",
        "royal ancient enchanted brave",
    ),
}


def _sentence(
    rng: random.Random, topic: Topic, name: str, moods: tuple[str, ...]
) -> str:
    """One sentence; words are separated by single spaces, punctuation too."""
    noun, other = rng.sample(topic.nouns, 2)
    verb, place = rng.choice(topic.verbs), rng.choice(topic.places)
    adjective, mood = rng.choice(topic.adjectives), rng.choice(moods)
    shape = rng.choices(range(6), weights=(5, 4, 4, 3, 3, 1))[0]
    return (
        f"{rng.choice(OPENINGS)} , the {adjective} {noun} {verb} by the {place} .",
        f"{name} watched the {noun} and the {other} from the {place} .",
        f"the {noun} {verb} until the {other} {rng.choice(topic.verbs)} .",
        f"{name} felt {mood} when the {noun} {verb} .",
        f"{name} gave the {noun} a {adjective} {other} .",
        f"nobody at the {place} was {mood} .",
    )[shape]


def _story(rng: random.Random) -> str:
    topic = rng.choice(list(TOPICS.values()))
    name, moods = rng.choice(NAMES), rng.choice(MOODS)
    sentences = []
    for _ in range(rng.randint(*SENTENCES)):
        if rng.random() < DRIFT:
            topic = rng.choice(list(TOPICS.values()))
        sentences.append(_sentence(rng, topic, name, moods))
    return " ".join(sentences)


def stories(count: int, seed: int) -> list[str]:
    """`count` stories, the same ones for the same seed."""
    rng = random.Random(seed)
    return [_story(rng) for _ in range(count)]
