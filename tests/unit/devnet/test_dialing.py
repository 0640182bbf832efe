from chainsvc.devnet.consortium.dialing import plan

ALL = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]


def test_in_a_circle_each_dials_no_more_than_the_half_that_follows_it() -> None:
    assert plan(ALL, (), {}, half=2, tries=0).dials == [(1, 2), (1, 3), (4, 1), (2, 3), (2, 4), (3, 4)]


def test_who_dialed_last_does_not_begin_and_then_the_ends_take_turns() -> None:
    last = {(1, 2): 1, (3, 4): 4}
    assert plan([(1, 2), (3, 4)], (), last, half=2, tries=0).dials == [(2, 1), (3, 4)]
    assert plan([(1, 2), (3, 4)], (), last, half=2, tries=1).dials == [(1, 2), (4, 3)]


def test_who_has_dialed_its_half_is_dialed() -> None:
    there = [(1, 2), (1, 3)]
    assert plan([(1, 4)], there, {(1, 4): 4}, half=2, tries=0).dials == [(4, 1)]
    assert plan([(1, 4)], there, {(1, 4): 1}, half=2, tries=1).dials == [(4, 1)]


def test_of_two_that_have_dialed_their_half_one_lets_another_dial() -> None:
    there = [(3, 1), (3, 2), (4, 1), (4, 2), (1, 2)]
    found = plan([(3, 4)], there, {}, half=2, tries=0)
    assert (found.cuts, found.dials) == ([(1, 3)], [(1, 3), (3, 4)])
