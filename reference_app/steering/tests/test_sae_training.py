import torch

from reference_app.steering.sae_training import residuals, train_sae


def test_training_explains_more_and_more_of_the_residual(lm):
    windows = torch.randint(2, 200, (8, 64), generator=torch.Generator().manual_seed(0))
    x = residuals(lm, 1, windows)
    assert x.shape == (512, 96)
    losses = []
    sae = train_sae(x, features=64, k=8, steps=60, seed=0, on_step=losses.append)
    assert losses[-1] < 0.5 * losses[0]
    assert torch.allclose(sae.W_dec.norm(dim=1), torch.ones(64), atol=1e-5)
    assert not sae.W_dec.requires_grad


def test_the_same_seed_gives_the_same_sae():
    x = torch.randn(600, 16, generator=torch.Generator().manual_seed(1))
    one, again = (train_sae(x, features=32, k=4, steps=5, seed=2) for _ in range(2))
    assert torch.equal(one.W_enc, again.W_enc)
