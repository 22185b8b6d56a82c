//! The addresses with a state other than [`AddressState::Preferred`].

use std::collections::BTreeMap;

use crate::state::AddressState;

/// Map from addresses to states, stored as runs of consecutive addresses with the same state.
///
/// The addresses of a range that start to probe together are one run. A search for an address in use therefore passes
/// them in one step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exceptions {
    /// Runs by their first address, without overlap. Adjacent runs have different states.
    runs: BTreeMap<u32, Run>,
    /// Number of addresses in the state [`AddressState::Tentative`].
    tentative: u64,
    /// Number of addresses in the state [`AddressState::Conflict`].
    conflicts: u64,
}

/// Consecutive addresses with the same state.
#[derive(Clone, Copy, Debug)]
struct Run {
    last: u32,
    state: AddressState,
}

impl Exceptions {
    /// Returns the state of an address, or `None` if the address has no entry.
    #[inline]
    pub(crate) fn get(&self, ip: u32) -> Option<AddressState> {
        self.run_of(ip).map(|run| run.state)
    }

    /// Sets or removes the state of all addresses from `first` to `last`.
    pub(crate) fn set(&mut self, first: u32, last: u32, state: AddressState) {
        self.clear(first, last);
        if state == AddressState::Preferred {
            return;
        }
        let mut run = Run { last, state };
        self.count(first, run, true);
        let next = last.checked_add(1).and_then(|next| Some((next, *self.runs.get(&next)?)));
        if let Some((start, next)) = next.filter(|(_, next)| next.state == state) {
            self.runs.remove(&start);
            run.last = next.last;
        }
        match self.runs.range_mut(..first).next_back() {
            Some((_, before)) if before.last.checked_add(1) == Some(first) && before.state == state => {
                before.last = run.last;
            }
            _ => _ = self.runs.insert(first, run),
        }
    }

    /// Returns the first address from `first` to `last` that differs from `except` and is not in a run that `is_passed`
    /// selects. The search takes one step for each run.
    pub(crate) fn find(
        &self,
        (first, last): (u32, u32),
        except: Option<u32>,
        is_passed: impl Fn(AddressState) -> bool,
    ) -> Option<u32> {
        let mut ip = first;
        while ip <= last {
            let passed = if except == Some(ip) {
                ip
            } else {
                match self.run_of(ip).filter(|run| is_passed(run.state)) {
                    Some(run) => run.last,
                    None => return Some(ip),
                }
            };
            ip = passed.checked_add(1)?;
        }
        None
    }

    /// Returns the state of an address, and the last address up to `last` with the same state in all addresses between.
    pub(crate) fn run_from(&self, ip: u32, last: u32) -> (AddressState, u32) {
        if let Some(run) = self.run_of(ip) {
            return (run.state, run.last.min(last));
        }
        let next = self.runs.range(ip..=last).next().and_then(|(start, _)| start.checked_sub(1));
        (AddressState::Preferred, next.unwrap_or(last))
    }

    /// Returns the number of addresses in the state [`AddressState::Tentative`].
    #[inline]
    pub(crate) fn tentative(&self) -> u64 {
        self.tentative
    }

    /// Returns the number of addresses in the state [`AddressState::Conflict`].
    pub(crate) fn conflicts(&self) -> usize {
        usize::try_from(self.conflicts).unwrap_or(usize::MAX)
    }

    /// Removes the addresses from `first` to `last`.
    fn clear(&mut self, first: u32, last: u32) {
        while let Some((start, run)) = self.runs.range(..=last).next_back().map(|(start, run)| (*start, *run))
        {
            if run.last < first {
                return;
            }
            self.runs.remove(&start);
            self.count(start.max(first), Run { last: run.last.min(last), ..run }, false);
            if let Some(next) = last.checked_add(1).filter(|next| *next <= run.last) {
                self.runs.insert(next, run);
            }
            if let Some(before) = first.checked_sub(1).filter(|before| start <= *before) {
                self.runs.insert(start, Run { last: before, ..run });
                return;
            }
        }
    }

    fn run_of(&self, ip: u32) -> Option<Run> {
        self.runs.range(..=ip).next_back().map(|(_, run)| *run).filter(|run| ip <= run.last)
    }

    /// Adds the addresses of a run to the counts, or subtracts them.
    fn count(&mut self, first: u32, run: Run, is_added: bool) {
        let count = match run.state {
            AddressState::Tentative => &mut self.tentative,
            AddressState::Conflict { .. } => &mut self.conflicts,
            AddressState::Preferred => return,
        };
        let addresses = u64::from(run.last - first) + 1;
        *count = if is_added { *count + addresses } else { count.saturating_sub(addresses) };
    }
}

#[cfg(test)]
mod tests;
