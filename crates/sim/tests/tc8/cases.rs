//! The test cases: number, name, policies, procedure, injected fault and expected error.

mod learning;
mod replies;
mod requests;

use arp::LearningPolicy;

use crate::fault_injector::FaultInjector;
use crate::tester::{CaseResult, Tester};

pub(crate) struct Case {
    pub(crate) number: u8,
    pub(crate) name: &'static str,
    pub(crate) policies: &'static [LearningPolicy],
    pub(crate) run: fn(&mut Tester) -> CaseResult,
    pub(crate) fault: FaultInjector,
    /// Part of the error that the fault must cause.
    pub(crate) expected_error: &'static str,
}

/// For cases that do not depend on the policy.
const ALL: &[LearningPolicy] =
    &[LearningPolicy::Cautious, LearningPolicy::Rfc826, LearningPolicy::Permissive];
/// For cases in which unsolicited replies are learned.
const PERMISSIVE_ONLY: &[LearningPolicy] = &[LearningPolicy::Permissive];
/// For cases in which packets for other hosts are not learned.
const EXCEPT_PERMISSIVE: &[LearningPolicy] = &[LearningPolicy::Cautious, LearningPolicy::Rfc826];

/// The source files of the cases.
pub(crate) const SOURCES: [&str; 3] =
    [include_str!("cases/learning.rs"), include_str!("cases/requests.rs"), include_str!("cases/replies.rs")];

/// Returns all cases, ordered by number.
pub(crate) fn all() -> Vec<Case> {
    let mut all: Vec<Case> =
        [learning::cases(), requests::cases(), replies::cases()].into_iter().flatten().collect();
    all.sort_by_key(|case| case.number);
    all
}
