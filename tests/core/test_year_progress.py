"""What is said of the time that a played year still takes."""

from partners.year.progress import Pace


def test_nothing_is_said_before_a_tenth_is_done_and_some_seconds_are_over() -> None:
    slow = Pace(1_000, 0.0)
    assert slow.left(0, 0.0) == ""
    assert slow.left(5, 30.0) == "", "a slow first file says nothing of the others"
    assert slow.left(99, 60.0) == ""
    assert slow.left(100, 60.0) == "about 9 min left at this pace"
    quick = Pace(1_000, 0.0)
    assert quick.left(500, 9.0) == "", "nor does what was played before and is passed over"
    assert quick.left(510, 10.0) == "less than a minute left at this pace"


def test_the_last_tenth_says_how_fast_it_goes() -> None:
    pace = Pace(1_000, 0.0)
    for done in range(1, 501):
        pace.left(done, done * 0.1)
    assert pace.left(501, 50.1) == "less than a minute left at this pace"
    said = [pace.left(done, 50.1 + (done - 501) * 0.6) for done in range(502, 602)]
    assert said[-1] == "about 4 min left at this pace"


def test_one_step_over_more_than_a_tenth_counts_with_its_own_time() -> None:
    pace = Pace(1_000, 0.0)
    pace.left(100, 10.0)
    assert pace.left(500, 50.0) == "less than a minute left at this pace"
    assert pace.left(500, 170.0) == "about 4 min left at this pace", "it stands still: longer"


def test_at_the_end_and_of_nothing_nothing_is_said() -> None:
    pace = Pace(10, 0.0)
    pace.left(5, 100.0)
    assert pace.left(10, 200.0) == ""
    assert Pace(0, 0.0).left(0, 20.0) == ""
