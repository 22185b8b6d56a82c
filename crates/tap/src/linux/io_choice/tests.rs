use super::*;

/// Moves batches of 64 frames, and returns by which method each batch was moved. `nanoseconds` are the times per frame of
/// the ring, and of `read` and `write`.
fn moved(choice: &mut IoChoice, batches: usize, nanoseconds: (u64, u64)) -> Vec<bool> {
    (0..batches)
        .map(|_| {
            let by_ring = choice.uses_ring();
            let time = if by_ring { nanoseconds.0 } else { nanoseconds.1 };
            choice.record(64, Duration::from_nanos(64 * time));
            by_ring
        })
        .collect()
}

/// Number of batches in all trials, and in a term.
const TRIALS: usize = 8 * 16;
const TERM: usize = 2_048;

#[test]
fn faster_method_is_used_after_alternating_trials() {
    for (nanoseconds, faster) in [((900, 1_000), true), ((1_000, 900), false)] {
        let mut choice = IoChoice::default();
        let trials = moved(&mut choice, TRIALS, nanoseconds);
        let expected: Vec<bool> = (0..TRIALS).map(|batch| (batch / 16) % 2 == 0).collect();
        assert_eq!(trials, expected);
        assert_eq!(moved(&mut choice, TERM, nanoseconds), vec![faster; TERM]);
    }
}

#[test]
fn other_method_is_used_when_it_becomes_faster() {
    let mut choice = IoChoice::default();
    moved(&mut choice, TRIALS + TERM, (900, 1_000));
    moved(&mut choice, TRIALS, (1_000, 900));
    assert_eq!(moved(&mut choice, TERM, (1_000, 900)), vec![false; TERM]);
}

#[test]
fn slow_time_of_machine_does_not_decide() {
    let mut choice = IoChoice::default();
    // In the second half of the trials, the machine has half of its speed.
    moved(&mut choice, TRIALS / 2, (900, 1_000));
    moved(&mut choice, TRIALS / 2, (1_800, 2_000));
    assert!(choice.uses_ring(), "the slower method was chosen");
}

#[test]
fn methods_without_measurable_time_are_equal() {
    let mut choice = IoChoice::default();
    moved(&mut choice, TRIALS, (0, 0));
    assert!(!choice.uses_ring(), "a ring was chosen without an advantage");
}
