import inspect

from harness import errors


def all_errors():
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }


def test_the_drawn_tree_names_every_error():
    for name in all_errors():
        assert name in errors.__doc__


def test_each_error_says_its_docstring_when_it_is_given_no_message():
    for error in all_errors().values():
        assert str(error()) == " ".join(error.__doc__.split())
        assert str(error("mine")) == "mine"


def test_every_error_is_a_harness_error():
    assert all(issubclass(e, errors.HarnessError) for e in all_errors().values())
