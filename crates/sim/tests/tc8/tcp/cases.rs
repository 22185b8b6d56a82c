//! The cases: identifier, name, procedure, injected fault and expected error.

mod acceptability;
mod closing;
mod data;
mod header;
mod no_connection;
mod opening;
mod order;
mod segment_size;
mod timers;

use super::Case;

/// The source files of the cases.
pub(crate) const SOURCES: [&str; 9] = [
    include_str!("cases/opening.rs"),
    include_str!("cases/no_connection.rs"),
    include_str!("cases/acceptability.rs"),
    include_str!("cases/closing.rs"),
    include_str!("cases/header.rs"),
    include_str!("cases/segment_size.rs"),
    include_str!("cases/data.rs"),
    include_str!("cases/order.rs"),
    include_str!("cases/timers.rs"),
];

pub(super) fn all() -> Vec<Case> {
    let mut cases = opening::cases();
    cases.extend(no_connection::cases());
    cases.extend(acceptability::cases());
    cases.extend(closing::cases());
    cases.extend(header::cases());
    cases.extend(segment_size::cases());
    cases.extend(data::cases());
    cases.extend(order::cases());
    cases.extend(timers::cases());
    cases
}
