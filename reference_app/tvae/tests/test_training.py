import pytest
import torch

from reference_app.tvae.model import DEVIATIONS
from reference_app.tvae.training import Recipe, Training
from reference_app.tvae.transform import Transform


@pytest.fixture
def begin(rows, transform):
    def make(**changes):
        recipe = {"epochs": 4, "seed": 7, "batch": 100} | changes
        return Training(rows, Recipe(**recipe), transform)

    return make


def finish(training):
    while not training.done:
        training.epoch()
    return training


def weights(training):
    return torch.cat([each.flatten() for each in training.model.parameters()])


def test_the_loss_falls(begin):
    losses = finish(begin(epochs=12)).losses
    assert len(losses) == 12
    assert losses[-1] < losses[5] < losses[0]


def test_the_same_recipe_gives_the_same_model_and_another_seed_another(begin):
    one = finish(begin())
    torch.rand(5)  # what others draw from torch changes nothing
    assert finish(begin()).losses == one.losses
    assert torch.equal(weights(finish(begin())), weights(one))
    assert finish(begin(seed=8)).losses != one.losses


def test_a_training_leaves_the_randomness_of_others_alone(begin):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    begin().epoch()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_interrupted_training_ends_exactly_the_same(begin, after):
    whole, first = finish(begin()), begin()
    for _ in range(after):
        first.epoch()
    state = {name: each.clone() for name, each in first.state().items()}
    first.epoch()  # the next epoch, lost with its process
    second = begin()
    second.restore(state)
    assert len(second.losses) == after
    assert finish(second).losses == whole.losses
    assert torch.equal(weights(second), weights(whole))


def test_the_state_of_another_network_is_refused(begin, rows):
    other = Training(rows, Recipe(4), Transform.fit({"rpm": rows["rpm"]}, seed=0))
    with pytest.raises(RuntimeError):
        begin().restore(other.state())


def test_an_exception_before_a_step_stops_the_epoch(begin):
    class Cancelled(BaseException):
        pass

    def cancel():
        raise Cancelled

    training = begin()
    with pytest.raises(Cancelled):
        training.epoch(cancel)
    assert training.losses == []


def test_a_table_smaller_than_a_batch_can_be_trained(begin):
    assert len(finish(begin(batch=5000)).losses) == 4


def test_the_learned_deviations_stay_in_their_range(begin):
    training = begin()
    with torch.no_grad():
        training.model.deviation.fill_(5)
    training.epoch()
    low, high = DEVIATIONS
    assert (training.model.deviation <= high).all()
    assert (training.model.deviation >= low).all()


def test_a_sample_is_decided_by_its_seed(begin):
    model = finish(begin()).model
    assert (model.sample(50, 1) == model.sample(50, 1)).all()
    assert (model.sample(50, 1) != model.sample(50, 2)).any()
