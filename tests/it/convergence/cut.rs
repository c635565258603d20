//! A story that fails is cut to the shortest beginning of it that fails too.

/// How many happenings of a story that fails with `all` of them are enough for it to fail. What follows from fewer is tried
/// first, and all of it: a story that is longer may well be saved by what comes later.
pub fn shortest(all: usize, fails: impl Fn(usize) -> bool) -> usize {
    (0..all).find(|happenings| fails(*happenings)).unwrap_or(all)
}

#[test]
fn the_shortest_beginning_that_fails_is_found_whatever_comes_later() {
    for (all, failing, shortest_one) in [
        (9, vec![9], 9),
        (9, vec![4, 5, 6, 7, 8, 9], 4),
        (9, vec![3, 8, 9], 3),
        (5, vec![0, 1, 2, 3, 4, 5], 0),
        (0, vec![0], 0),
    ] {
        assert_eq!(shortest(all, |happenings| failing.contains(&happenings)), shortest_one);
    }
}

#[test]
fn no_beginning_is_tried_twice_and_none_longer_than_the_shortest() {
    let tried = std::cell::RefCell::new(Vec::new());
    let fails = |happenings: usize| {
        tried.borrow_mut().push(happenings);
        happenings >= 3
    };
    assert_eq!(shortest(8, fails), 3);
    assert_eq!(tried.into_inner(), [0, 1, 2, 3]);
}
