//! The cases, each with its number, its name, the policies under which it holds, what is done, the
//! saboteur that must turn it red, and what is then said.

mod answering;
mod asking;
mod learning;

use arp::Policy;

use crate::saboteur::Saboteur;
use crate::tester::{Outcome, Tester};

pub(crate) struct Case {
    pub(crate) number: u8,
    pub(crate) name: &'static str,
    pub(crate) policies: &'static [Policy],
    pub(crate) run: fn(&mut Tester) -> Outcome,
    pub(crate) saboteur: Saboteur,
    /// Words of the message that the saboteur must bring about.
    pub(crate) betrayal: &'static str,
}

/// Where the policy makes no difference.
const ALL: &[Policy] = &[Policy::Cautious, Policy::Rfc826, Policy::Permissive];
/// Where only what nobody asked for is to be believed.
const PERMISSIVE: &[Policy] = &[Policy::Permissive];
/// Where what is said to others is not to be believed.
const GUARDED: &[Policy] = &[Policy::Cautious, Policy::Rfc826];

/// The text of the files with the cases, in order.
pub(crate) const SOURCES: [&str; 3] =
    [include_str!("cases/learning.rs"), include_str!("cases/asking.rs"), include_str!("cases/answering.rs")];

/// All cases in the order of their numbers.
pub(crate) fn all() -> Vec<Case> {
    let mut all: Vec<Case> =
        [learning::cases(), asking::cases(), answering::cases()].into_iter().flatten().collect();
    all.sort_by_key(|case| case.number);
    all
}
