from reference_app.agent.classify import classify

TEXTS = {
    "ebb": "The moon pulls the tide and the sea falls at ebb.",
    "flood": "The sea rises at flood, and the tide comes in.",
    "rye": "Rye bread needs a sour dough and a starter.",
    "crust": "The crust of bread browns in the oven, the dough rises.",
    "zebra": "Zebra stripes.",
}


def test_a_named_category_is_taken_as_it_is():
    found = classify(TEXTS, dict.fromkeys(TEXTS, "my things"))
    assert {each.label for each in found.values()} == {"My things"}
    assert {each.how for each in found.values()} == {"given"}


def test_a_note_without_a_category_goes_to_the_nearest_or_to_none():
    found = classify(TEXTS, {"ebb": "Sea", "rye": "Bread"})
    assert found["flood"].label == "Sea"
    assert found["crust"].label == "Bread"
    assert found["zebra"].how == "none"
    assert found["zebra"].slug == "unsorted"


def test_without_any_category_what_is_alike_comes_together():
    texts = {
        f"{name}-{each}": text
        for name, text in TEXTS.items()
        for each in range(2)
        if name != "zebra"
    }
    found = classify(texts, {})
    assert found["ebb-0"] == found["flood-1"]
    assert found["rye-0"] == found["crust-1"]
    assert found["ebb-0"] != found["rye-0"]
    assert {each.how for each in found.values()} == {"grouped"}


def test_the_order_of_the_notes_does_not_matter():
    turned = dict(reversed(TEXTS.items()))
    assert classify(turned, {}) == classify(TEXTS, {})
    labels = {"rye": "Bread", "ebb": "Sea"}
    assert classify(turned, labels) == classify(TEXTS, dict(reversed(labels.items())))


def test_one_note_and_no_word_are_no_error():
    assert classify({"a": ""}, {})["a"].label == "Unsorted"
    assert classify({}, {}) == {}
    assert classify({"a": "", "b": ""}, {"a": "X"})["b"].how == "none"


def test_a_category_in_two_spellings_is_one():
    found = classify(TEXTS, {"ebb": "sea", "flood": "Sea", "rye": "Bread"})
    assert found["ebb"].slug == found["flood"].slug
