"""What TCP makes of lost packets, for a proxy that can lose none.

A byte stream arrives whole or not at all: who loses packets waits for them to be sent
again. So each piece that is passed on counts as one packet; each time it is lost, it
and all behind it come later by a retransmission timeout, which doubles, and at last the
connection is reset. It is a model: no congestion window shrinks, no fast retransmit
saves a long transfer, and Linux would try on for a quarter of an hour.
"""

import random

#: Seconds until Linux sends a packet again on a fast link (its smallest timeout), and
#: the first packet of a connection.
RETRANSMIT_S = 0.2
CONNECT_S = 1.0

#: Times in a row a packet is lost before the connection is: 12.6 s of silence.
MOST_LOST = 6


class PacketLoss:
    """Loses this share of packets, the same ones for the same seed."""

    def __init__(self, share: float, seed: int) -> None:
        if not 0 < share < 1:
            raise ValueError(f"A share of {share:g} packets: choose one within 0 to 1.")
        self._share = share
        self._random = random.Random(seed)

    def stall_s(self, *, first: bool = False) -> float | None:
        """Return how much later the next packet comes; None: the connection is lost."""
        lost = 0
        while self._random.random() < self._share:
            lost += 1
            if lost > MOST_LOST:
                return None
        return float((CONNECT_S if first else RETRANSMIT_S) * (2**lost - 1))
