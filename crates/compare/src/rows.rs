//! The table: what is arranged, what is asked, and what a tool is to say to it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use conform::frames::{Mac, OUR_MAC, OURS};

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) scene: Scene,
    pub(crate) question: Question,
    /// Who is asked for.
    pub(crate) target: Target,
    /// The truth, as our documents have it.
    pub(crate) truth: Saying,
}

/// Where somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    /// On an interface with everybody at its other end.
    Wire,
    /// The same, but whoever asks has no privilege.
    Powerless,
    /// On an interface that is down.
    Down,
    /// On one that does not exist.
    Absent,
    /// On one that is up, with nothing at its other end.
    NoCarrier,
    /// On one that goes down once the first frame is out.
    Falls,
    /// On one that loses its carrier once the first frame is out.
    Unplugged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Who has the address?
    Who,
    /// Does nobody have it?
    Free,
    /// Who is there, of all these?
    Range,
}

/// Whom a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Kernel,
    Host,
    Nobody,
    Twice,
    Range,
}

/// What a tool says: by its exit code, and by whom it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Saying(pub(crate) End, pub(crate) Who);

/// How a tool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    /// Of its own accord, never.
    Never,
}

/// Who a tool says is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    Kernel,
    Host,
    /// Both stations that have the one address.
    Both,
    /// One of them.
    OneOfBoth,
    /// One or both of them, as it comes.
    SomeOfBoth,
    /// Every host of the range.
    All,
    /// The address of the kernel, without a hardware address.
    Unnamed,
}

/// Who was seen: protocol addresses, and the hardware addresses they are at, if that was told.
pub(crate) type Stations = BTreeSet<(Ipv4Addr, Option<Mac>)>;

const YES: End = End::Code(0);
const NO: End = End::Code(1);
/// It could not be asked.
const UNASKED: Saying = Saying(End::Code(2), Who::Nobody);

pub(crate) const ROWS: [Row; 19] = {
    use {Question as Q, Scene as S, Target as T};
    [
        row("reply of the kernel", S::Wire, Q::Who, T::Kernel, Saying(YES, Who::Kernel)),
        row("reply of `tapstack host`", S::Wire, Q::Who, T::Host, Saying(YES, Who::Host)),
        row("none", S::Wire, Q::Who, T::Nobody, Saying(NO, Who::Nobody)),
        row("duplicate", S::Wire, Q::Who, T::Twice, Saying(YES, Who::Both)),
        row("taken", S::Wire, Q::Free, T::Kernel, Saying(NO, Who::Kernel)),
        row("free", S::Wire, Q::Free, T::Nobody, Saying(YES, Who::Nobody)),
        row("interface down", S::Down, Q::Who, T::Nobody, UNASKED),
        row("interface down; free?", S::Down, Q::Free, T::Nobody, UNASKED),
        row("absent", S::Absent, Q::Who, T::Nobody, UNASKED),
        row("absent; free?", S::Absent, Q::Free, T::Nobody, UNASKED),
        row("no permission", S::Powerless, Q::Who, T::Kernel, UNASKED),
        row("no permission; free?", S::Powerless, Q::Free, T::Kernel, UNASKED),
        row("no carrier", S::NoCarrier, Q::Who, T::Nobody, UNASKED),
        row("no carrier; free?", S::NoCarrier, Q::Free, T::Nobody, UNASKED),
        row("goes down meanwhile", S::Falls, Q::Who, T::Nobody, UNASKED),
        row("goes down meanwhile; free?", S::Falls, Q::Free, T::Nobody, UNASKED),
        row("carrier lost meanwhile", S::Unplugged, Q::Who, T::Nobody, UNASKED),
        row("carrier lost meanwhile; free?", S::Unplugged, Q::Free, T::Nobody, UNASKED),
        row("256 hosts of `tapstack host --hosts`", S::Wire, Q::Range, T::Range, Saying(YES, Who::All)),
    ]
};

const fn row(name: &'static str, scene: Scene, question: Question, target: Target, truth: Saying) -> Row {
    Row { name, scene, question, target, truth }
}

/// Our host, and the two that share an address.
pub(crate) const HOST: (Ipv4Addr, Mac) = (Ipv4Addr::new(10, 0, 0, 3), [2, 0, 0, 0, 0, 3]);
pub(crate) const TWICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 4);
pub(crate) const TWINS: [Mac; 2] = [[2, 0, 0, 0, 4, 1], [2, 0, 0, 0, 4, 2]];
/// The hosts of the range, one for each number of the last octet of both addresses.
pub(crate) const RANGE: &str = "10.1.0.0/24";
const RANGE_FIRST: (Ipv4Addr, Mac) = (Ipv4Addr::new(10, 1, 0, 0), [2, 0, 0, 1, 0, 0]);
pub(crate) const RANGE_BASE: Mac = RANGE_FIRST.1;

impl Scene {
    pub(crate) const ALL: [Scene; 7] = [
        Scene::Wire,
        Scene::Powerless,
        Scene::Down,
        Scene::Absent,
        Scene::NoCarrier,
        Scene::Falls,
        Scene::Unplugged,
    ];
}

impl Target {
    /// As it stands on the command line of the tool of this number. Each asks for a nobody of its own: probes
    /// of two for one address are a conflict.
    pub(crate) fn words(self, number: u8) -> String {
        match self {
            Self::Kernel => OURS.to_string(),
            Self::Host => HOST.0.to_string(),
            Self::Nobody => Ipv4Addr::new(10, 0, 9, number).to_string(),
            Self::Twice => TWICE.to_string(),
            Self::Range => RANGE.to_owned(),
        }
    }
}

impl Who {
    /// All that a single run can come to.
    const ALL: [Who; 7] =
        [Who::Nobody, Who::Kernel, Who::Host, Who::Both, Who::OneOfBoth, Who::All, Who::Unnamed];

    /// Which of them was seen, if it is any.
    pub(crate) fn of(seen: &Stations) -> Option<Who> {
        Self::ALL.into_iter().find(|who| who.is(seen))
    }

    pub(crate) fn is(self, seen: &Stations) -> bool {
        let [one, other] = TWINS.map(|mac| (TWICE, Some(mac)));
        let is = |stations: &[(Ipv4Addr, Option<Mac>)]| *seen == stations.iter().copied().collect();
        match self {
            Self::Nobody => seen.is_empty(),
            Self::Kernel => is(&[(OURS, Some(OUR_MAC))]),
            Self::Host => is(&[(HOST.0, Some(HOST.1))]),
            Self::Both => is(&[one, other]),
            Self::OneOfBoth => is(&[one]) || is(&[other]),
            Self::SomeOfBoth => Self::OneOfBoth.is(seen) || Self::Both.is(seen),
            Self::All => is(&range()),
            Self::Unnamed => is(&[(OURS, None)]),
        }
    }

    /// In a cell of the matrix.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Kernel => "the kernel",
            Self::Host => "our host",
            Self::Both => "both",
            Self::OneOfBoth => "one of both",
            Self::SomeOfBoth => "one or both",
            Self::All => "all 256",
            Self::Unnamed => "somebody",
        }
    }
}

/// How a tool ended and whom it named, in a cell of the matrix.
pub(crate) fn told(end: End, seen: &Stations) -> String {
    let among = || format!("{end} {} stations", seen.len());
    Who::of(seen).map_or_else(among, |who| Saying(end, who).to_string())
}

/// Every host of the range.
fn range() -> Vec<(Ipv4Addr, Option<Mac>)> {
    let ([a, b, c, _], [d, e, f, g, h, _]) = (RANGE_FIRST.0.octets(), RANGE_FIRST.1);
    (0..=u8::MAX).map(|n| (Ipv4Addr::new(a, b, c, n), Some([d, e, f, g, h, n]))).collect()
}

impl std::fmt::Display for Saying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self(End::Never, Who::Nobody) => self.0.fmt(f),
            Self(end, who) => write!(f, "{end} {}", who.word()),
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Never => f.write_str("hangs"),
        }
    }
}
