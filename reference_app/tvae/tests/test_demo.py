from reference_app.tvae.demo import BARS, CURVE, _curve


def test_the_live_curve_falls_with_the_loss_and_keeps_its_width():
    assert _curve([]) == ""
    assert _curve([3.0]) == BARS[0]
    assert _curve([8.0, 1.0]) == BARS[-1] + BARS[0]
    curve = _curve([float(-epoch) for epoch in range(100)])
    assert len(curve) <= CURVE
    assert [*curve] == sorted(curve, reverse=True)
