//! Reasons for rejecting input, and their counters.

use std::fmt;

/// A closed list of reasons, each with a text for people and a counter in a [`ReasonCounters`].
///
/// The macro [`reasons!`](crate::reasons) makes one.
pub trait Reason: Copy + fmt::Display + 'static {
    /// All of them, in the order of their [`Reason::index`].
    const ALL: &'static [Self];

    /// Its place in [`Reason::ALL`].
    fn index(self) -> usize;
}

/// How often each reason applied.
#[derive(Clone, Debug)]
pub struct ReasonCounters<R> {
    counts: Box<[u64]>,
    reasons: std::marker::PhantomData<R>,
}

impl<R: Reason> ReasonCounters<R> {
    /// How often `reason` applied.
    pub fn get(&self, reason: R) -> u64 {
        self.counts.get(reason.index()).copied().unwrap_or_default()
    }

    /// Counts one more case of `reason`.
    pub fn count(&mut self, reason: R) {
        if let Some(count) = self.counts.get_mut(reason.index()) {
            *count = count.saturating_add(1);
        }
    }

    /// Every reason with its count, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (R, u64)> {
        R::ALL.iter().copied().zip(self.counts.iter().copied())
    }
}

impl<R: Reason> Default for ReasonCounters<R> {
    fn default() -> Self {
        ReasonCounters { counts: vec![0; R::ALL.len()].into_boxed_slice(), reasons: std::marker::PhantomData }
    }
}

/// Declares an enum of reasons: each variant with its documentation and its text.
#[macro_export]
macro_rules! reasons {
    ($(#[$outer:meta])* pub enum $name:ident { $($(#[$inner:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$inner])* $variant,)+ }

        impl $crate::Reason for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn index(self) -> usize {
                // A field-less enum's number is its place in the list.
                #[allow(clippy::as_conversions)]
                { self as usize }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)+ })
            }
        }
    };
}
