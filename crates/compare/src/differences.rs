//! What is known of other people's tools: where they say something else than the truth, and why.

use super::rows::{ComparisonRow, NamedHosts, ToolAnswer, ToolExit, describe};
use super::run::RunResult;
use super::tool::ToolKind;

use conform::case::Verdict;

/// A difference from the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difference {
    pub(crate) row: &'static str,
    pub(crate) says: ToolAnswer,
    pub(crate) why: &'static str,
}

const fn differs(row: &'static str, code: i32, who: NamedHosts, why: &'static str) -> Difference {
    Difference { row, says: ToolAnswer(ToolExit::Code(code), who), why }
}

impl ToolKind {
    /// The version of which this is known.
    pub(crate) const fn known_version(self) -> Option<&'static str> {
        match self {
            Self::Arping | Self::ArpingTap | Self::Scan => None,
            Self::Iputils => Some("20221126"),
            Self::Habets => Some("2.23"),
            Self::ArpScan => Some("1.10.0"),
            Self::Nmap => Some("7.93"),
        }
    }

    pub(crate) const fn differences(self) -> &'static [Difference] {
        match self {
            Self::Arping | Self::ArpingTap | Self::Scan => &[],
            Self::Iputils => IPUTILS,
            Self::Habets => HABETS,
            Self::ArpScan => ARP_SCAN,
            Self::Nmap => NMAP,
        }
    }

    pub(crate) fn difference(self, row: &ComparisonRow) -> Option<&'static Difference> {
        self.differences().iter().find(|difference| difference.row == row.name)
    }

    /// What is to come of a row: the truth, or what is known of it.
    pub(crate) fn expected_answer(self, row: &ComparisonRow) -> ToolAnswer {
        self.difference(row).map_or(row.correct, |difference| difference.says)
    }

    /// Holds an answer against the table and against what is known. A difference that no longer shows
    /// is a failure if the version is the one that it is known of: then what is written about it is wrong.
    pub(crate) fn verdict(self, row: &ComparisonRow, version: Option<&str>, answer: &RunResult) -> Verdict {
        let (end, seen, text) = match answer {
            RunResult::Not(reason) => return Verdict::Skipped(reason.clone()),
            RunResult::Failed(reason) => return Verdict::Failed(reason.clone()),
            RunResult::Answered(end, seen, text) => (*end, seen, text),
        };
        let is = |ToolAnswer(code, who): ToolAnswer| code == end && who.is(seen);
        match self.difference(row) {
            Some(difference) if is(difference.says) => return Verdict::Differs(difference.why.to_owned()),
            None if is(row.correct) => return Verdict::Passed,
            _ => {}
        }
        let known = self.expected_answer(row);
        let difference = format!("{} instead of {known}; it printed {:?}", describe(end, seen), text.trim());
        match (self.known_version(), version) {
            (Some(known), Some(version)) if known != version => {
                Verdict::Differs(format!("as {version}, and not as {known} does: {difference}"))
            }
            _ => Verdict::Failed(difference),
        }
    }
}

/// It noticed nothing.
const SILENCE: &str = "it asks where nobody can hear, and says that nobody replied";
const CALLED_FREE: &str = "it asks where nobody can hear, and calls the address free";

const IPUTILS: &[Difference] = &[
    differs(
        "duplicate",
        1,
        NamedHosts::Both,
        "it wants a reply for each request and none beyond: the third one makes it 1",
    ),
    differs("no carrier", 1, NamedHosts::NoHost, SILENCE),
    differs("no carrier; free?", 0, NamedHosts::NoHost, CALLED_FREE),
    differs("goes down meanwhile", 3, NamedHosts::NoHost, "it adds 1 for no reply and 2 for an error"),
    differs("carrier lost meanwhile", 1, NamedHosts::NoHost, SILENCE),
    differs("carrier lost meanwhile; free?", 0, NamedHosts::NoHost, CALLED_FREE),
];

const REPLIED: &str = "`-0` asks as a probe does, but 0 stays the code for a reply";
const NOT_REPLIED: &str = "`-0` asks as a probe does, but 1 stays the code for none";
const ERROR_IS_SILENCE: &str = "an error has the code of no reply";

const HABETS: &[Difference] = &[
    differs("taken", 0, NamedHosts::Kernel, REPLIED),
    differs("free", 1, NamedHosts::NoHost, NOT_REPLIED),
    differs("interface down", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("interface down; free?", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("absent", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("absent; free?", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("no permission", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("no permission; free?", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("no carrier", 1, NamedHosts::NoHost, SILENCE),
    differs("no carrier; free?", 1, NamedHosts::NoHost, SILENCE),
    differs("goes down meanwhile", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("goes down meanwhile; free?", 1, NamedHosts::NoHost, ERROR_IS_SILENCE),
    differs("carrier lost meanwhile", 1, NamedHosts::NoHost, SILENCE),
    differs("carrier lost meanwhile; free?", 1, NamedHosts::NoHost, SILENCE),
];

const IT_RAN: &str = "0 says that it ran; `--limit=1` makes silence 1, but ends with the first reply";
const RAN_UNHEARD: &str = "it asks where nobody can hear, and 0 says that it ran";
const ANY_ERROR: &str = "1 is its code for any error, and with `--limit` for silence";

const ARP_SCAN: &[Difference] = &[
    differs("none", 0, NamedHosts::NoHost, IT_RAN),
    differs(
        "duplicate",
        0,
        NamedHosts::SomeOfBoth,
        "it ends once all addresses have answered, and a second reply may come too late",
    ),
    differs("taken", 0, NamedHosts::Kernel, "0 says that it ran, whoever replies to the probe"),
    differs("interface down", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("interface down; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("absent", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("absent; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no permission", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no permission; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no carrier", 0, NamedHosts::NoHost, RAN_UNHEARD),
    differs("no carrier; free?", 0, NamedHosts::NoHost, RAN_UNHEARD),
    differs("goes down meanwhile", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("goes down meanwhile; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("carrier lost meanwhile", 0, NamedHosts::NoHost, RAN_UNHEARD),
    differs("carrier lost meanwhile; free?", 0, NamedHosts::NoHost, RAN_UNHEARD),
];

const NMAP: &[Difference] = &[
    differs("none", 0, NamedHosts::NoHost, "0 says that it ran"),
    differs("duplicate", 0, NamedHosts::OneOfBoth, "it names whoever replies first"),
    differs(
        "interface down",
        0,
        NamedHosts::NoHost,
        "it finds no route, scans nobody, and 0 says that it ran",
    ),
    differs("absent", 1, NamedHosts::NoHost, "1 is its code for any error"),
    differs(
        "no permission",
        0,
        NamedHosts::WithoutMac,
        "without privilege it connects by TCP instead, and has no hardware address to name",
    ),
    differs("no carrier", 0, NamedHosts::NoHost, RAN_UNHEARD),
    Difference {
        row: "goes down meanwhile",
        says: ToolAnswer(ToolExit::Hangs, NamedHosts::NoHost),
        why: "it does not end within ten seconds",
    },
    differs("carrier lost meanwhile", 0, NamedHosts::NoHost, RAN_UNHEARD),
];
