//! The table of the comparison: situation, question, target and correct answer of each row.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use conform::frames::{Mac, TESTED_IP, TESTED_MAC};

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ComparisonRow {
    pub(crate) name: &'static str,
    pub(crate) situation: Situation,
    pub(crate) question: Question,
    /// The target of the question.
    pub(crate) target: Target,
    /// The correct answer, as documented for tapstack.
    pub(crate) correct: ToolAnswer,
}

/// The situation in which a tool runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Situation {
    /// The interface is connected to the segment.
    OnWire,
    /// The interface is connected to the segment, and the tool has no privileges.
    Unprivileged,
    /// The interface is down.
    Down,
    /// The interface does not exist.
    Absent,
    /// The interface is up and has no carrier.
    NoCarrier,
    /// The interface goes down after the first frame.
    GoesDown,
    /// The interface loses its carrier after the first frame.
    LosesCarrier,
}

/// The question to a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which host has the address?
    Owner,
    /// Is the address unused?
    Free,
    /// Which addresses of the range are in use?
    Range,
    /// Do several stations use one address?
    Conflict,
}

/// The address or range in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Kernel,
    Host,
    NoHost,
    Duplicate,
    /// One station with two addresses.
    TwoAddresses,
    Range,
}

/// The answer of a tool: its exit code, and the hosts that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToolAnswer(pub(crate) ToolExit, pub(crate) NamedHosts);

/// How a tool exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolExit {
    Code(i32),
    /// The tool does not exit within the timeout.
    Hangs,
    /// The tool runs until SIGINT ends it.
    Interrupted,
}

/// The hosts that a tool names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedHosts {
    NoHost,
    Kernel,
    Host,
    /// Both hosts with the duplicate address.
    Both,
    /// One of the hosts with the duplicate address.
    OneOfBoth,
    /// One or both of the hosts with the duplicate address.
    SomeOfBoth,
    /// The station with two addresses, with both addresses.
    TwoAddresses,
    /// Every host of the range.
    All,
    /// The IP address of the kernel, without its MAC address.
    WithoutMac,
}

/// The hosts in the output of a tool: IP addresses, with their MAC addresses if the output contains MAC addresses.
pub(crate) type Stations = BTreeSet<(Ipv4Addr, Option<Mac>)>;

const YES: ToolExit = ToolExit::Code(0);
const NO: ToolExit = ToolExit::Code(1);
/// The question could not be asked.
const NO_ANSWER: ToolAnswer = ToolAnswer(ToolExit::Code(2), NamedHosts::NoHost);

pub(crate) const ROWS: [ComparisonRow; 24] = {
    use {Question as Q, Situation as S, Target as T};
    [
        row("kernel", S::OnWire, Q::Owner, T::Kernel, ToolAnswer(YES, NamedHosts::Kernel)),
        row("`tapstack host`", S::OnWire, Q::Owner, T::Host, ToolAnswer(YES, NamedHosts::Host)),
        row("no host", S::OnWire, Q::Owner, T::NoHost, ToolAnswer(NO, NamedHosts::NoHost)),
        row("duplicate", S::OnWire, Q::Owner, T::Duplicate, ToolAnswer(YES, NamedHosts::Both)),
        row("in use; free?", S::OnWire, Q::Free, T::Kernel, ToolAnswer(NO, NamedHosts::Kernel)),
        row("unused; free?", S::OnWire, Q::Free, T::NoHost, ToolAnswer(YES, NamedHosts::NoHost)),
        row("interface down", S::Down, Q::Owner, T::NoHost, NO_ANSWER),
        row("interface down; free?", S::Down, Q::Free, T::NoHost, NO_ANSWER),
        row("no such interface", S::Absent, Q::Owner, T::NoHost, NO_ANSWER),
        row("no such interface; free?", S::Absent, Q::Free, T::NoHost, NO_ANSWER),
        row("no permission", S::Unprivileged, Q::Owner, T::Kernel, NO_ANSWER),
        row("no permission; free?", S::Unprivileged, Q::Free, T::Kernel, NO_ANSWER),
        row("no carrier", S::NoCarrier, Q::Owner, T::NoHost, NO_ANSWER),
        row("no carrier; free?", S::NoCarrier, Q::Free, T::NoHost, NO_ANSWER),
        row("goes down during the run", S::GoesDown, Q::Owner, T::NoHost, NO_ANSWER),
        row("goes down during the run; free?", S::GoesDown, Q::Free, T::NoHost, NO_ANSWER),
        row("loses carrier during the run", S::LosesCarrier, Q::Owner, T::NoHost, NO_ANSWER),
        row("loses carrier during the run; free?", S::LosesCarrier, Q::Free, T::NoHost, NO_ANSWER),
        row(
            "256 hosts of `tapstack host --hosts`",
            S::OnWire,
            Q::Range,
            T::Range,
            ToolAnswer(YES, NamedHosts::All),
        ),
        row(
            "two stations; conflict?",
            S::OnWire,
            Q::Conflict,
            T::Duplicate,
            ToolAnswer(NO, NamedHosts::Both),
        ),
        row("one station; conflict?", S::OnWire, Q::Conflict, T::Host, ToolAnswer(YES, NamedHosts::Host)),
        row(
            "two addresses of one station; conflict?",
            S::OnWire,
            Q::Conflict,
            T::TwoAddresses,
            ToolAnswer(YES, NamedHosts::TwoAddresses),
        ),
        row("no host; conflict?", S::OnWire, Q::Conflict, T::NoHost, ToolAnswer(NO, NamedHosts::NoHost)),
        row("no carrier; conflict?", S::NoCarrier, Q::Conflict, T::NoHost, NO_ANSWER),
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

/// Addresses of the tapstack host, of the two hosts with a duplicate address, and of the host with two addresses. Each of
/// the three networks with 256 addresses contains no other station.
pub(crate) const HOST: (Ipv4Addr, Mac) = (Ipv4Addr::new(10, 2, 0, 3), [2, 0, 0, 0, 0, 3]);
pub(crate) const DUPLICATE_IP: Ipv4Addr = Ipv4Addr::new(10, 3, 0, 4);
pub(crate) const DUPLICATE_MACS: [Mac; 2] = [[2, 0, 0, 0, 4, 1], [2, 0, 0, 0, 4, 2]];
pub(crate) const TWO_ADDRESSES: ([Ipv4Addr; 2], Mac) =
    ([Ipv4Addr::new(10, 4, 0, 5), Ipv4Addr::new(10, 4, 0, 6)], [2, 0, 0, 0, 0, 5]);
/// The range of hosts. The last bytes of the IP and MAC address of each host are equal.
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
    /// Returns the target as an argument of the tool with this number.
    pub(crate) fn argument(self, number: u8) -> String {
        match self.addresses(number).as_slice() {
            [address] => address.to_string(),
            _ => self.network(number),
        }
    }

    /// Returns the network of 256 addresses with the target.
    pub(crate) fn network(self, number: u8) -> String {
        let first = self.addresses(number).first().map(Ipv4Addr::octets);
        first.map_or_else(|| RANGE.to_owned(), |[a, b, c, _]| format!("{a}.{b}.{c}.0/24"))
    }

    /// Returns the addresses of the target, for the tool with this number; none for the range. Each tool has a different
    /// unused address, because two simultaneous probes for the same address are a conflict.
    pub(crate) fn addresses(self, number: u8) -> Vec<Ipv4Addr> {
        match self {
            Self::Kernel => vec![TESTED_IP],
            Self::Host => vec![HOST.0],
            Self::NoHost => vec![Ipv4Addr::new(10, 9, number, 9)],
            Self::Duplicate => vec![DUPLICATE_IP],
            Self::TwoAddresses => TWO_ADDRESSES.0.to_vec(),
            Self::Range => Vec::new(),
        }
    }
}

impl NamedHosts {
    /// All sets of hosts that a run can name.
    const ALL: [NamedHosts; 8] = [
        NamedHosts::NoHost,
        NamedHosts::Kernel,
        NamedHosts::Host,
        NamedHosts::Both,
        NamedHosts::OneOfBoth,
        NamedHosts::TwoAddresses,
        NamedHosts::All,
        NamedHosts::WithoutMac,
    ];

    /// Returns the set with exactly these hosts, or `None` without such a set.
    pub(crate) fn of(named: &Stations) -> Option<NamedHosts> {
        Self::ALL.into_iter().find(|hosts| hosts.is(named))
    }

    pub(crate) fn is(self, named: &Stations) -> bool {
        let [one, other] = DUPLICATE_MACS.map(|mac| (DUPLICATE_IP, Some(mac)));
        let is = |stations: &[(Ipv4Addr, Option<Mac>)]| *named == stations.iter().copied().collect();
        match self {
            Self::NoHost => named.is_empty(),
            Self::Kernel => is(&[(TESTED_IP, Some(TESTED_MAC))]),
            Self::Host => is(&[(HOST.0, Some(HOST.1))]),
            Self::Both => is(&[one, other]),
            Self::OneOfBoth => is(&[one]) || is(&[other]),
            Self::SomeOfBoth => Self::OneOfBoth.is(named) || Self::Both.is(named),
            Self::TwoAddresses => is(&TWO_ADDRESSES.0.map(|ip| (ip, Some(TWO_ADDRESSES.1)))),
            Self::All => is(&range()),
            Self::WithoutMac => is(&[(TESTED_IP, None)]),
        }
    }

    /// Returns the text for a cell of the table.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::NoHost => "no host",
            Self::Kernel => "kernel",
            Self::Host => "tapstack",
            Self::Both => "both",
            Self::OneOfBoth => "one of two",
            Self::SomeOfBoth => "one or both",
            Self::TwoAddresses => "two addresses",
            Self::All => "all 256",
            Self::WithoutMac => "kernel, no MAC",
        }
    }
}

/// Returns how a tool exited and the hosts that it named, for a cell of the table.
pub(crate) fn describe(exit: ToolExit, named: &Stations) -> String {
    let count = || format!("{exit} {} stations", named.len());
    NamedHosts::of(named).map_or_else(count, |hosts| ToolAnswer(exit, hosts).to_string())
}

/// Returns all hosts of the range.
fn range() -> Vec<(Ipv4Addr, Option<Mac>)> {
    let ([a, b, c, _], [d, e, f, g, h, _]) = (RANGE_FIRST.0.octets(), RANGE_FIRST.1);
    (0..=u8::MAX).map(|n| (Ipv4Addr::new(a, b, c, n), Some([d, e, f, g, h, n]))).collect()
}

impl std::fmt::Display for ToolAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self(ToolExit::Hangs, NamedHosts::NoHost) => self.0.fmt(f),
            Self(exit, hosts) => write!(f, "{exit} {}", hosts.label()),
        }
    }
}

impl std::fmt::Display for ToolExit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Hangs => f.write_str("hangs"),
            Self::Interrupted => f.write_str("SIGINT"),
        }
    }
}
