use std::cell::Cell;

use super::*;

const LONG: Duration = Duration::from_hours(1);

#[test]
fn what_is_found_ends_the_look() {
    let looks = Cell::new(0);
    let found = || {
        looks.set(looks.get() + 1);
        Ok::<_, ()>(looks.get() == 3)
    };
    assert_eq!((look(LONG, found), looks.get()), (Ok(true), 3));
}

#[test]
fn whoever_finds_nothing_looks_no_longer_than_told() {
    let looks = Cell::new(0);
    let nothing = || {
        looks.set(looks.get() + 1);
        Ok::<_, ()>(false)
    };
    assert_eq!(look(Duration::from_millis(1), nothing), Ok(false));
    assert!(looks.replace(0) > 0);
    assert_eq!((look(Duration::ZERO, nothing), looks.get()), (Ok(false), 0));
}

#[test]
fn an_error_ends_the_look() {
    assert_eq!(look(LONG, || Err("gone")), Err("gone"));
}
