//! Recorded differences: wrong answers of other tools, and their reasons.

use super::rows::{ComparisonRow, NamedHosts, ToolAnswer, ToolExit, describe};
use super::run::RunResult;
use super::tool::ToolKind;

use conform::case::Verdict;

/// A wrong answer of a tool to a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difference {
    pub(crate) row: &'static str,
    pub(crate) answer: ToolAnswer,
    pub(crate) reason: &'static str,
}

const fn differs(row: &'static str, code: i32, hosts: NamedHosts, reason: &'static str) -> Difference {
    Difference { row, answer: ToolAnswer(ToolExit::Code(code), hosts), reason }
}

const fn interrupted(row: &'static str, hosts: NamedHosts, reason: &'static str) -> Difference {
    Difference { row, answer: ToolAnswer(ToolExit::Interrupted, hosts), reason }
}

impl ToolKind {
    /// Returns the version of the tool for which the differences are recorded.
    pub(crate) const fn known_version(self) -> Option<&'static str> {
        match self {
            Self::Arping | Self::ArpingTap | Self::Scan | Self::Watch => None,
            Self::Iputils => Some("20221126"),
            Self::Habets => Some("2.23"),
            Self::ArpScan => Some("1.10.0"),
            Self::Netdiscover | Self::NetdiscoverPassive => Some("0.10"),
            Self::Nmap => Some("7.93"),
        }
    }

    pub(crate) const fn differences(self) -> &'static [Difference] {
        match self {
            Self::Arping | Self::ArpingTap | Self::Scan | Self::Watch => &[],
            Self::Iputils => IPUTILS,
            Self::Habets => HABETS,
            Self::ArpScan => ARP_SCAN,
            Self::Netdiscover => NETDISCOVER,
            Self::NetdiscoverPassive => NETDISCOVER_PASSIVE,
            Self::Nmap => NMAP,
        }
    }

    pub(crate) fn difference(self, row: &ComparisonRow) -> Option<&'static Difference> {
        self.differences().iter().find(|difference| difference.row == row.name)
    }

    /// Returns the expected answer to a row: the answer of the recorded difference, or else the correct answer.
    pub(crate) fn expected_answer(self, row: &ComparisonRow) -> ToolAnswer {
        self.difference(row).map_or(row.correct, |difference| difference.answer)
    }

    /// Compares an answer with the correct answer and the recorded difference. If the tool has the recorded version, a
    /// recorded difference that does not occur is a failure, because the record is wrong.
    pub(crate) fn verdict(self, row: &ComparisonRow, version: Option<&str>, answer: &RunResult) -> Verdict {
        let (exit, named, text) = match answer {
            RunResult::Skipped(reason) => return Verdict::Skipped(reason.clone()),
            RunResult::Failed(reason) => return Verdict::Failed(reason.clone()),
            RunResult::Answered(exit, named, text) => (*exit, named, text),
        };
        let is = |ToolAnswer(code, hosts): ToolAnswer| code == exit && hosts.is(named);
        match self.difference(row) {
            Some(difference) if is(difference.answer) => {
                return Verdict::Differs(difference.reason.to_owned());
            }
            None if is(row.correct) => return Verdict::Passed,
            _ => {}
        }
        let known = self.expected_answer(row);
        let difference =
            format!("got {}, expected {known}; output: {:?}", describe(exit, named), text.trim());
        match (self.known_version(), version) {
            (Some(known), Some(version)) if known != version => Verdict::Differs(format!(
                "version {version} differs from the recorded version {known}: {difference}"
            )),
            _ => Verdict::Failed(difference),
        }
    }
}

/// Reason of tools that do not check for a carrier.
const NO_REPLY: &str = "the tool sends requests without a carrier, and reports no reply";
const CALLED_FREE: &str = "the tool sends probes without a carrier, and reports the address as free";

const IPUTILS: &[Difference] = &[
    differs(
        "duplicate",
        1,
        NamedHosts::Both,
        "the tool expects one reply per request, and exits with 1 after an additional reply",
    ),
    differs("no carrier", 1, NamedHosts::NoHost, NO_REPLY),
    differs("no carrier; free?", 0, NamedHosts::NoHost, CALLED_FREE),
    differs(
        "goes down during the run",
        3,
        NamedHosts::NoHost,
        "the exit code is the sum of 1 for no reply and 2 for an error",
    ),
    differs("loses carrier during the run", 1, NamedHosts::NoHost, NO_REPLY),
    differs("loses carrier during the run; free?", 0, NamedHosts::NoHost, CALLED_FREE),
];

const REPLIED: &str = "`-0` sends probes, but 0 still means a reply";
const NOT_REPLIED: &str = "`-0` sends probes, but 1 still means no reply";
const ERROR_IS_NO_REPLY: &str = "an error has the same exit code as no reply";

const HABETS: &[Difference] = &[
    differs("in use; free?", 0, NamedHosts::Kernel, REPLIED),
    differs("unused; free?", 1, NamedHosts::NoHost, NOT_REPLIED),
    differs("interface down", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("interface down; free?", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("no such interface", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("no such interface; free?", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("no permission", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("no permission; free?", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("no carrier", 1, NamedHosts::NoHost, NO_REPLY),
    differs("no carrier; free?", 1, NamedHosts::NoHost, NO_REPLY),
    differs("goes down during the run", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("goes down during the run; free?", 1, NamedHosts::NoHost, ERROR_IS_NO_REPLY),
    differs("loses carrier during the run", 1, NamedHosts::NoHost, NO_REPLY),
    differs("loses carrier during the run; free?", 1, NamedHosts::NoHost, NO_REPLY),
    differs(
        "no host; conflict?",
        0,
        NamedHosts::NoHost,
        "with `-d`, 0 means that no second station replied, even if no station replied",
    ),
    differs(
        "no carrier; conflict?",
        0,
        NamedHosts::NoHost,
        "the tool sends requests without a carrier, and reports no conflict",
    ),
];

const IT_RAN: &str =
    "0 means that the tool ran; with `--limit=1` no reply is 1, but the first reply ends the run";
const RAN_WITHOUT_CARRIER: &str = "the tool sends requests without a carrier, and 0 means that it ran";
const TOOL_RAN: &str = "0 means that the tool ran";
const FIRST_REPLY: &str = "the tool reports only the first reply";
const ENDED_BY_SIGNAL: &str = "the tool runs until a signal ends it";
const ANY_ERROR: &str = "1 is the exit code for any error, and with `--limit` for no reply";

const ARP_SCAN: &[Difference] = &[
    differs("no host", 0, NamedHosts::NoHost, IT_RAN),
    differs(
        "duplicate",
        0,
        NamedHosts::SomeOfBoth,
        "the tool exits when all addresses have replied, and may miss a second reply",
    ),
    differs(
        "in use; free?",
        0,
        NamedHosts::Kernel,
        "0 means that the tool ran, even if a host replies to the probe",
    ),
    differs("interface down", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("interface down; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no such interface", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no such interface; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no permission", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no permission; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("no carrier", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
    differs("no carrier; free?", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
    differs("goes down during the run", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("goes down during the run; free?", 1, NamedHosts::NoHost, ANY_ERROR),
    differs("loses carrier during the run", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
    differs("loses carrier during the run; free?", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
    differs(
        "two stations; conflict?",
        0,
        NamedHosts::Both,
        "the tool marks the second reply as `DUP`, and 0 means that it ran",
    ),
    differs("no host; conflict?", 0, NamedHosts::NoHost, TOOL_RAN),
    differs("no carrier; conflict?", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
];

const NETDISCOVER: &[Difference] = &[
    differs(
        "two stations; conflict?",
        0,
        NamedHosts::Both,
        "the tool lists both stations without a mark, and 0 means that it ran",
    ),
    differs("no host; conflict?", 0, NamedHosts::NoHost, TOOL_RAN),
    differs("no carrier; conflict?", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
];

const NETDISCOVER_PASSIVE: &[Difference] = &[
    interrupted(
        "two stations; conflict?",
        NamedHosts::Both,
        "the tool lists both stations without a mark, and runs until a signal ends it",
    ),
    interrupted("one station; conflict?", NamedHosts::Host, ENDED_BY_SIGNAL),
    interrupted("two addresses of one station; conflict?", NamedHosts::TwoAddresses, ENDED_BY_SIGNAL),
    interrupted("no carrier; conflict?", NamedHosts::NoHost, ENDED_BY_SIGNAL),
];

const NMAP: &[Difference] = &[
    differs("no host", 0, NamedHosts::NoHost, TOOL_RAN),
    differs("duplicate", 0, NamedHosts::OneOfBoth, FIRST_REPLY),
    differs(
        "interface down",
        0,
        NamedHosts::NoHost,
        "the tool finds no route and scans no host, and 0 means that it ran",
    ),
    differs("no such interface", 1, NamedHosts::NoHost, "1 is the exit code for any error"),
    differs(
        "no permission",
        0,
        NamedHosts::WithoutMac,
        "without privileges the tool connects by TCP instead, and reports no MAC address",
    ),
    differs("no carrier", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
    Difference {
        row: "goes down during the run",
        answer: ToolAnswer(ToolExit::Hangs, NamedHosts::NoHost),
        reason: "the tool does not exit within ten seconds",
    },
    differs("loses carrier during the run", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
    differs("two stations; conflict?", 0, NamedHosts::OneOfBoth, FIRST_REPLY),
    differs("no host; conflict?", 0, NamedHosts::NoHost, TOOL_RAN),
    differs("no carrier; conflict?", 0, NamedHosts::NoHost, RAN_WITHOUT_CARRIER),
];
