use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// An operation of a list.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Push,
    /// Inserts a value behind the value at this position, modulo the length of the list.
    InsertAfter(usize),
    Pop,
    /// Removes the value at this position, modulo the length of the list.
    Remove(usize),
    MoveToEnd(usize),
    /// Moves the value at this position to the end of the next list.
    MoveToNext(usize),
    /// Moves all values to the end of the next list.
    AppendToNext,
}

fn operations() -> impl Strategy<Value = Vec<(usize, Operation)>> {
    let operation = prop_oneof![
        3 => Just(Operation::Push),
        1 => any::<usize>().prop_map(Operation::InsertAfter),
        1 => Just(Operation::Pop),
        1 => any::<usize>().prop_map(Operation::Remove),
        1 => any::<usize>().prop_map(Operation::MoveToEnd),
        1 => any::<usize>().prop_map(Operation::MoveToNext),
        1 => Just(Operation::AppendToNext),
    ];
    prop::collection::vec((0_usize..3, operation), 0..200)
}

proptest! {
    #[test]
    fn slab_equals_queues_with_common_limit(operations in operations()) {
        const LIMIT: usize = 12;
        let mut slab = Slab::new(LIMIT);
        let mut lists = [List::EMPTY; 3];
        let mut queues: [VecDeque<(Place, usize)>; 3] = Default::default();
        for (value, (list, operation)) in operations.into_iter().enumerate() {
            let held: usize = queues.iter().map(VecDeque::len).sum();
            let (queue_index, next) = (list, (list + 1) % lists.len());
            let [list, next_list] = lists.get_disjoint_mut([list, next]).expect("the lists differ");
            let [queue, next_queue] = queues.get_disjoint_mut([queue_index, next]).expect("the queues differ");
            match operation {
                Operation::Push => match slab.push(list, value) {
                    Ok(place) => queue.push_back((place, value)),
                    Err(refused) => prop_assert_eq!((refused, held), (value, LIMIT)),
                },
                Operation::InsertAfter(position) => {
                    if let Some(position) = position.checked_rem(queue.len()) {
                        match slab.insert_after(list, queue[position].0, value) {
                            Ok(place) => queue.insert(position + 1, (place, value)),
                            Err(refused) => prop_assert_eq!((refused, held), (value, LIMIT)),
                        }
                    }
                }
                Operation::Pop => {
                    prop_assert_eq!(slab.pop(list), queue.pop_front().map(|(_, value)| value));
                }
                Operation::Remove(position) => {
                    let removed = position.checked_rem(queue.len()).and_then(|position| queue.remove(position));
                    if let Some((place, value)) = removed {
                        prop_assert_eq!(slab.remove(list, place), Some(value));
                        prop_assert_eq!((slab.remove(list, place), slab.get(place)), (None, None));
                    }
                }
                Operation::MoveToEnd(position) => {
                    let moved = position.checked_rem(queue.len()).and_then(|position| queue.remove(position));
                    if let Some(moved) = moved {
                        slab.move_to_end(list, moved.0);
                        queue.push_back(moved);
                    }
                }
                Operation::MoveToNext(position) => {
                    let moved = position.checked_rem(queue.len()).and_then(|position| queue.remove(position));
                    if let Some(moved) = moved {
                        slab.move_to(list, next_list, moved.0);
                        next_queue.push_back(moved);
                    }
                }
                Operation::AppendToNext => {
                    slab.append(next_list, list);
                    next_queue.append(queue);
                }
            }
            prop_assert_eq!(slab.len(), queues.iter().map(VecDeque::len).sum::<usize>());
            for (place, value) in queues.iter().flatten() {
                prop_assert_eq!(slab.get_mut(*place).copied(), Some(*value));
            }
        }
        for (list, queue) in lists.iter_mut().zip(queues) {
            let places = std::iter::successors(list.first(), |place| slab.next(*place));
            prop_assert!(places.eq(queue.iter().map(|(place, _)| *place)), "the order differs");
            let places = std::iter::successors(list.last(), |place| slab.previous(*place));
            prop_assert!(places.eq(queue.iter().rev().map(|(place, _)| *place)), "the reverse order differs");
            for (_, value) in queue {
                prop_assert_eq!(slab.pop(list), Some(value));
            }
            prop_assert_eq!((slab.pop(list), list.first(), list.last()), (None, None, None));
        }
        prop_assert!(slab.is_empty());
    }
}

#[test]
fn slab_uses_places_of_removed_values_again() {
    let mut slab = Slab::new(usize::MAX);
    let mut list = List::EMPTY;
    for _ in 0..100 {
        let places = [1, 2, 3].map(|value| slab.push(&mut list, value).unwrap());
        assert!(places.iter().all(|place| *place < 3), "{places:?}");
        while slab.pop(&mut list).is_some() {}
        // The links of a free place lead to the next free place, which is not the next value.
        assert_eq!(places.map(|place| slab.next(place)), [None; 3]);
    }
}

#[test]
fn slab_ignores_places_without_a_value() {
    let mut slab = Slab::new(1);
    let (mut list, mut other) = (List::EMPTY, List::EMPTY);
    for place in [0, 1, Place::MAX] {
        slab.move_to_end(&mut list, place);
        slab.move_to(&mut list, &mut other, place);
        assert_eq!((slab.insert_after(&mut list, place, "value"), slab.next(place)), (Err("value"), None));
        assert_eq!(slab.previous(place), None);
        assert_eq!((slab.remove(&mut list, place), slab.get(place)), (None, None));
    }
    slab.push(&mut list, "value").unwrap();
    assert_eq!(slab.pop(&mut list), Some("value"));
}
