//! Reasons for rejecting input, and their counters.

use std::fmt;

/// A closed list of reasons, each with a name for programs, a text for people and a counter in a [`ReasonCounters`].
///
/// The macro [`reasons!`](crate::reasons) declares such a list. `Display` prints the text.
pub trait Reason: Copy + fmt::Display + 'static {
    /// All reasons, in the order of their [`Reason::index`].
    const ALL: &'static [Self];

    /// Returns the index in [`Reason::ALL`].
    fn index(self) -> usize;

    /// Returns the name for programs, an identifier in snake case. The name never changes.
    fn name(self) -> &'static str;

    /// Returns the text for people.
    fn text(self) -> &'static str;
}

/// Counter for each reason of a list.
#[derive(Clone, Debug)]
pub struct ReasonCounters<R> {
    counts: Box<[u64]>,
    reasons: std::marker::PhantomData<R>,
}

impl<R: Reason> ReasonCounters<R> {
    /// Returns how often `reason` applied.
    pub fn get(&self, reason: R) -> u64 {
        self.counts.get(reason.index()).copied().unwrap_or_default()
    }

    /// Adds one to the count of `reason`.
    pub fn count(&mut self, reason: R) {
        if let Some(count) = self.counts.get_mut(reason.index()) {
            *count = count.saturating_add(1);
        }
    }

    /// Returns every reason with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (R, u64)> {
        R::ALL.iter().copied().zip(self.counts.iter().copied())
    }
}

impl<R: Reason> Default for ReasonCounters<R> {
    fn default() -> Self {
        ReasonCounters { counts: vec![0; R::ALL.len()].into_boxed_slice(), reasons: std::marker::PhantomData }
    }
}

/// Declares an enum of reasons: each variant with its documentation, its name for programs and its text for people.
#[macro_export]
macro_rules! reasons {
    (
        $(#[$outer:meta])*
        pub enum $reasons:ident { $($(#[$inner:meta])* $variant:ident($name:literal) = $text:literal,)+ }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $reasons { $($(#[$inner])* $variant,)+ }

        impl $crate::Reason for $reasons {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn index(self) -> usize {
                // The number of a variant without fields is its index in the list.
                #[allow(clippy::as_conversions)]
                { self as usize }
            }

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl ::std::fmt::Display for $reasons {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::Reason::text(*self))
            }
        }
    };
}
