from reference_app.steering.stories import TOPICS, stories


def test_the_same_seed_gives_the_same_stories():
    assert stories(20, 1) == stories(20, 1)
    assert stories(20, 1) != stories(20, 2)


def test_a_topic_word_belongs_to_one_topic():
    words = [word for topic in TOPICS.values() for word in topic.words]
    assert len(words) == len(set(words)) == 8 * 20


def test_every_topic_is_told_about():
    told = " ".join(stories(400, 0)).split()
    for topic in TOPICS.values():
        assert topic.words <= set(told)
