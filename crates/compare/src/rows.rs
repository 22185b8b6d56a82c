//! The table: what is arranged, what is asked, and what a tool is to say to it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use conform::frames::{Mac, TESTED_IP, TESTED_MAC};

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ComparisonRow {
    pub(crate) name: &'static str,
    pub(crate) situation: Situation,
    pub(crate) question: Question,
    /// Who is asked for.
    pub(crate) target: Target,
    /// The truth, as our documents have it.
    pub(crate) correct: ToolAnswer,
}

/// Where somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Situation {
    /// On an interface with everybody at its other end.
    OnWire,
    /// The same, but whoever asks has no privilege.
    Unprivileged,
    /// On an interface that is down.
    Down,
    /// On one that does not exist.
    Absent,
    /// On one that is up, with nothing at its other end.
    NoCarrier,
    /// On one that goes down once the first frame is out.
    GoesDown,
    /// On one that loses its carrier once the first frame is out.
    LosesCarrier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Who has the address?
    Owner,
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
    NoHost,
    Duplicate,
    Range,
}

/// What a tool says: by its exit code, and by whom it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToolAnswer(pub(crate) ToolExit, pub(crate) NamedHosts);

/// How a tool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolExit {
    Code(i32),
    /// Of its own accord, never.
    Hangs,
}

/// Who a tool says is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedHosts {
    NoHost,
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
    WithoutMac,
}

/// Who was seen: protocol addresses, and the hardware addresses they are at, if that was told.
pub(crate) type Stations = BTreeSet<(Ipv4Addr, Option<Mac>)>;

const YES: ToolExit = ToolExit::Code(0);
const NO: ToolExit = ToolExit::Code(1);
/// It could not be asked.
const NOT_ASKED: ToolAnswer = ToolAnswer(ToolExit::Code(2), NamedHosts::NoHost);

pub(crate) const ROWS: [ComparisonRow; 19] = {
    use {Question as Q, Situation as S, Target as T};
    [
        row("reply of the kernel", S::OnWire, Q::Owner, T::Kernel, ToolAnswer(YES, NamedHosts::Kernel)),
        row("reply of `tapstack host`", S::OnWire, Q::Owner, T::Host, ToolAnswer(YES, NamedHosts::Host)),
        row("none", S::OnWire, Q::Owner, T::NoHost, ToolAnswer(NO, NamedHosts::NoHost)),
        row("duplicate", S::OnWire, Q::Owner, T::Duplicate, ToolAnswer(YES, NamedHosts::Both)),
        row("taken", S::OnWire, Q::Free, T::Kernel, ToolAnswer(NO, NamedHosts::Kernel)),
        row("free", S::OnWire, Q::Free, T::NoHost, ToolAnswer(YES, NamedHosts::NoHost)),
        row("interface down", S::Down, Q::Owner, T::NoHost, NOT_ASKED),
        row("interface down; free?", S::Down, Q::Free, T::NoHost, NOT_ASKED),
        row("absent", S::Absent, Q::Owner, T::NoHost, NOT_ASKED),
        row("absent; free?", S::Absent, Q::Free, T::NoHost, NOT_ASKED),
        row("no permission", S::Unprivileged, Q::Owner, T::Kernel, NOT_ASKED),
        row("no permission; free?", S::Unprivileged, Q::Free, T::Kernel, NOT_ASKED),
        row("no carrier", S::NoCarrier, Q::Owner, T::NoHost, NOT_ASKED),
        row("no carrier; free?", S::NoCarrier, Q::Free, T::NoHost, NOT_ASKED),
        row("goes down meanwhile", S::GoesDown, Q::Owner, T::NoHost, NOT_ASKED),
        row("goes down meanwhile; free?", S::GoesDown, Q::Free, T::NoHost, NOT_ASKED),
        row("carrier lost meanwhile", S::LosesCarrier, Q::Owner, T::NoHost, NOT_ASKED),
        row("carrier lost meanwhile; free?", S::LosesCarrier, Q::Free, T::NoHost, NOT_ASKED),
        row(
            "256 hosts of `tapstack host --hosts`",
            S::OnWire,
            Q::Range,
            T::Range,
            ToolAnswer(YES, NamedHosts::All),
        ),
    ]
};

const fn row(
    name: &'static str,
    situation: Situation,
    question: Question,
    target: Target,
    correct: ToolAnswer,
) -> ComparisonRow {
    ComparisonRow { name, situation, question, target, correct }
}

/// Our host, and the two that share an address.
pub(crate) const HOST: (Ipv4Addr, Mac) = (Ipv4Addr::new(10, 0, 0, 3), [2, 0, 0, 0, 0, 3]);
pub(crate) const DUPLICATE_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 4);
pub(crate) const DUPLICATE_MACS: [Mac; 2] = [[2, 0, 0, 0, 4, 1], [2, 0, 0, 0, 4, 2]];
/// The hosts of the range, one for each number of the last octet of both addresses.
pub(crate) const RANGE: &str = "10.1.0.0/24";
const RANGE_FIRST: (Ipv4Addr, Mac) = (Ipv4Addr::new(10, 1, 0, 0), [2, 0, 0, 1, 0, 0]);
pub(crate) const RANGE_BASE: Mac = RANGE_FIRST.1;

impl Situation {
    pub(crate) const ALL: [Situation; 7] = [
        Situation::OnWire,
        Situation::Unprivileged,
        Situation::Down,
        Situation::Absent,
        Situation::NoCarrier,
        Situation::GoesDown,
        Situation::LosesCarrier,
    ];
}

impl Target {
    /// As it stands on the command line of the tool of this number. Each asks for an absent host of its own: probes
    /// of two for one address are a conflict.
    pub(crate) fn argument(self, number: u8) -> String {
        match self {
            Self::Kernel => TESTED_IP.to_string(),
            Self::Host => HOST.0.to_string(),
            Self::NoHost => Ipv4Addr::new(10, 0, 9, number).to_string(),
            Self::Duplicate => DUPLICATE_IP.to_string(),
            Self::Range => RANGE.to_owned(),
        }
    }
}

impl NamedHosts {
    /// All that a single run can come to.
    const ALL: [NamedHosts; 7] = [
        NamedHosts::NoHost,
        NamedHosts::Kernel,
        NamedHosts::Host,
        NamedHosts::Both,
        NamedHosts::OneOfBoth,
        NamedHosts::All,
        NamedHosts::WithoutMac,
    ];

    /// Which of them was seen, if it is any.
    pub(crate) fn of(seen: &Stations) -> Option<NamedHosts> {
        Self::ALL.into_iter().find(|who| who.is(seen))
    }

    pub(crate) fn is(self, seen: &Stations) -> bool {
        let [one, other] = DUPLICATE_MACS.map(|mac| (DUPLICATE_IP, Some(mac)));
        let is = |stations: &[(Ipv4Addr, Option<Mac>)]| *seen == stations.iter().copied().collect();
        match self {
            Self::NoHost => seen.is_empty(),
            Self::Kernel => is(&[(TESTED_IP, Some(TESTED_MAC))]),
            Self::Host => is(&[(HOST.0, Some(HOST.1))]),
            Self::Both => is(&[one, other]),
            Self::OneOfBoth => is(&[one]) || is(&[other]),
            Self::SomeOfBoth => Self::OneOfBoth.is(seen) || Self::Both.is(seen),
            Self::All => is(&range()),
            Self::WithoutMac => is(&[(TESTED_IP, None)]),
        }
    }

    /// In a cell of the matrix.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::NoHost => "nobody",
            Self::Kernel => "the kernel",
            Self::Host => "our host",
            Self::Both => "both",
            Self::OneOfBoth => "one of both",
            Self::SomeOfBoth => "one or both",
            Self::All => "all 256",
            Self::WithoutMac => "somebody",
        }
    }
}

/// How a tool ended and whom it named, in a cell of the matrix.
pub(crate) fn describe(end: ToolExit, seen: &Stations) -> String {
    let among = || format!("{end} {} stations", seen.len());
    NamedHosts::of(seen).map_or_else(among, |who| ToolAnswer(end, who).to_string())
}

/// Every host of the range.
fn range() -> Vec<(Ipv4Addr, Option<Mac>)> {
    let ([a, b, c, _], [d, e, f, g, h, _]) = (RANGE_FIRST.0.octets(), RANGE_FIRST.1);
    (0..=u8::MAX).map(|n| (Ipv4Addr::new(a, b, c, n), Some([d, e, f, g, h, n]))).collect()
}

impl std::fmt::Display for ToolAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self(ToolExit::Hangs, NamedHosts::NoHost) => self.0.fmt(f),
            Self(end, who) => write!(f, "{end} {}", who.label()),
        }
    }
}

impl std::fmt::Display for ToolExit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Hangs => f.write_str("hangs"),
        }
    }
}
