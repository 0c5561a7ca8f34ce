"""The world's memory while it is being built: words that are handed out in order, and texts by number."""

from tophalf.model.fields import COST_SIZE, G_SIZE, RNG_SIZE
from tophalf.model.ground.rng import seed_stream


class Memory:
    """words: the memory so far; strings: texts that `name` numbers; seed: of all streams of random numbers."""

    def __init__(self, seed):
        self.words = [0] * G_SIZE
        self.strings, self.seed = [], seed
        self._numbers, self._purposes = {}, set()

    def __getitem__(self, address):
        return self.words[address]

    def __setitem__(self, address, value):
        self.words[address] = value

    def take(self, count):
        """Room for `count` words, all zero. Returns its address."""
        address = len(self.words)
        self.words += [0] * count
        return address

    def put(self, values):
        """A copy of `values`. Returns its address."""
        address = len(self.words)
        self.words += values
        return address

    def name(self, text):
        """The number of a text."""
        if text not in self._numbers:
            self._numbers[text] = len(self.strings)
            self.strings.append(text)
        return self._numbers[text]

    def stream(self, purpose):
        """A stream of random numbers of its own. Raises: ValueError when the purpose has one already."""
        if purpose in self._purposes:
            raise ValueError(f"two streams for {purpose}")
        self._purposes.add(purpose)
        words = seed_stream(self.seed, purpose)
        assert len(words) == RNG_SIZE
        return self.put(words)

    def cost_room(self, count):
        """Room for `count` costs, constant 0."""
        return self.take(count * COST_SIZE)
