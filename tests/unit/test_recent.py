from chainsvc.recent import Recent


def test_values_are_kept_for_their_time_and_no_longer() -> None:
    now = [0.0]
    recent: Recent[str, int] = Recent(1.0, lambda: now[0])
    assert recent.get("a") is None
    assert recent.keep("a", 1) == 1
    now[0] = 0.99
    assert recent.get("a") == 1
    now[0] = 1.0
    assert recent.get("a") is None


def test_memory_is_bounded() -> None:
    recent: Recent[int, int] = Recent(1.0, lambda: 0.0)
    for number in range(10_000):
        recent.keep(number, number)
    assert sum(recent.get(number) is not None for number in range(10_000)) <= 4_096
