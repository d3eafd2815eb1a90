import pytest

from harness import contract as registry
from harness.contract import Bound, contract, contracts, find_contract
from harness.errors import ContractError
from harness.history import History
from harness.judge import judge
from harness.verdict import Status, holds

WORDS = {"user_sees": "x", "likely": "x", "source": "x"}


@pytest.fixture
def own_registry(monkeypatch):
    """Let a test register contracts that nobody else sees."""
    contracts()
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


def declare(**changes):
    words = {"id": "retry.counts-up", "code": "RETR-901", "claim": "It counts", **WORDS}
    return contract(**{**words, **changes})(lambda history, bounds: holds("yes"))


@pytest.mark.usefixtures("own_registry")
def test_a_declared_contract_is_found_by_its_id():
    declare()
    assert find_contract("retry.counts-up").code == "RETR-901"
    assert find_contract("retry.counts-up").room == "retry"


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"id": "CountsUp"}, "Expected an id like"),
        ({"id": "retries.counts-up"}, "did you mean 'retry'"),
        ({"id": "terminal.exactly-one"}, "taken by terminal.exactly-one"),
        ({"code": "PROG-002"}, "taken by terminal.exactly-one"),
        ({"code": "12"}, "expected a code"),
        ({"claim": "A job should end"}, "'should'"),
        ({"likely": " "}, "`likely` is empty"),
    ],
)
def test_a_wrong_declaration_is_refused_where_it_is_written(changes, text):
    with pytest.raises(ContractError, match=text.replace("(", r"\(")):
        declare(**changes)


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(ContractError, match=r"Did you mean 'terminal\.exactly-one'"):
        find_contract("terminal.exactly-once")


def test_a_bound_can_be_overridden_and_an_unknown_one_not():
    every_exit = find_contract("terminal.every-exit")
    assert every_exit.values({"t_term_s": 3})["t_term_s"] == 3.0
    assert every_exit.values()["t_term_s"] == every_exit.bounds["t_term_s"].default
    with pytest.raises(ContractError, match="did you mean 't_term_s'"):
        every_exit.values({"t_terms": 3})


@pytest.mark.parametrize("known", contracts(), ids=lambda c: c.id)
def test_no_contract_holds_on_an_empty_history(known):
    assert judge(known, History()).status is Status.INCONCLUSIVE


@pytest.mark.parametrize("known", contracts(), ids=lambda c: c.id)
def test_every_contract_lives_in_a_file_of_its_room(known):
    module = known.check.__module__.removeprefix("harness.contracts.")
    assert module == known.room or module.startswith(f"{known.room}_")


@pytest.mark.parametrize("known", contracts(), ids=lambda c: c.id)
def test_every_bound_says_its_unit_and_why(known):
    for name, bound in known.bounds.items():
        assert isinstance(bound, Bound)
        assert bound.why
        assert name.endswith("_s") == (bound.unit == "s")
