from harness import situations
from harness.contract import find_contract


def test_each_situation_is_about_contracts_that_exist_and_says_what_it_does():
    every = situations.situations()
    assert [s.name for s in every] == sorted(s.name for s in every)
    for one in every:
        assert one.about.endswith(".")
        assert one.contracts
        for id in one.contracts:
            find_contract(id)


def test_a_situation_gets_the_parts_it_names_and_no_others():
    seen = {}

    def arrange(agent, history):
        seen.update(agent=agent, history=history)

    one = situations.Situation("room.name", "About.", ("a.b",), arrange)
    one.perform(agent=1, history=2, stack=3)
    assert seen == {"agent": 1, "history": 2}
