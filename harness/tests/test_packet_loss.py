"""Lost packets are stalls that double, and in the end a lost connection."""

import pytest

from harness.packet_loss import MOST_LOST, PacketLoss


def test_the_same_seed_loses_the_same_packets():
    one, two, other = (PacketLoss(0.5, seed) for seed in (7, 7, 8))

    first = [one.stall_s() for _ in range(100)]

    assert first == [two.stall_s() for _ in range(100)]
    assert first != [other.stall_s() for _ in range(100)]


def test_a_share_of_packets_is_late_and_each_loss_doubles_the_wait():
    loss = PacketLoss(0.3, 1)

    stalls = [loss.stall_s() for _ in range(10_000)]

    late = [stall for stall in stalls if stall]
    assert 2_700 < len(late) < 3_300
    assert {0, 0.2, 0.6, 1.4} <= {round(s, 6) for s in stalls if s is not None}


def test_a_packet_that_is_always_lost_loses_the_connection():
    assert PacketLoss(0.999_999, 1).stall_s() is None
    assert MOST_LOST > 1


def test_the_first_packet_of_a_connection_waits_longer():
    one, two = PacketLoss(0.5, 3), PacketLoss(0.5, 3)

    for _ in range(50):
        stall, first = one.stall_s(), two.stall_s(first=True)
        assert first is stall is None or first == pytest.approx(5 * stall)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="within 0 to 1"):
        PacketLoss(share, 1)
