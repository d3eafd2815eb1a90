from matplotlib import image

from reference_app.tvae import plots, telemetry


def is_drawn(path):
    """Whether a picture is large, and more than its background."""
    picture = image.imread(path)
    height, width, _ = picture.shape
    return height > 500 and width > 1000 and picture.std() > 0.05


def test_the_loss_curve_is_a_picture(tmp_path):
    plots.loss_curve([9.0, 4.0, -1.5], "motor", tmp_path / "loss.png")
    assert is_drawn(tmp_path / "loss.png")


def test_both_tables_are_drawn_side_by_side(tmp_path, machine):
    real, synthetic = (telemetry.simulate(machine, 300, seed) for seed in (1, 2))
    path = tmp_path / "both.png"
    plots.side_by_side(real, synthetic, "motor", (0.9, 0.95), path)
    assert is_drawn(path)
