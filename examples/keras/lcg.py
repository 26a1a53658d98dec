"""The small random generator that both sides of an example use, so that they work on the same data."""

MULTIPLIER = 6364136223846793005
INCREMENT = 1442695040888963407
MASK = (1 << 64) - 1


class Lcg:
    """A 64-bit linear congruential generator; a draw is the upper 31 bits of the next state."""

    def __init__(self, seed):
        self.state = seed

    def draw(self):
        self.state = (self.state * MULTIPLIER + INCREMENT) & MASK
        return self.state >> 33

    def below(self, n):
        return self.draw() % n

    def shuffle(self, items):
        """Fisher-Yates from the end."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
