//! Parser of filters.

use std::net::{IpAddr, Ipv4Addr};

use inet::IpProtocol;
use ipnet::IpNet;
use link::{EtherType, MacAddr};

use super::facts::SCTP;
use super::primitive::{Direction, Primitive};
use super::{DEPTH, FilterError, Step};
use crate::frame::RARP;
use crate::ipv6::ICMP6;

/// Parses an expression to its steps in postfix order.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, FilterError> {
    let words = words(text);
    if words.is_empty() {
        return Err(FilterError::Empty);
    }
    let mut parser = Parser { words: &words, at: 0, steps: Vec::new(), pending: 0, last: None };
    parser.expression(0)?;
    match parser.next() {
        None => Ok(parser.steps),
        Some(word) => Err(FilterError::Unexpected(word.to_owned())),
    }
}

/// Splits an expression into words. Parentheses and operators need no blanks.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | '!' => 1,
            '&' | '|' if rest.starts_with("&&") || rest.starts_with("||") => 2,
            _ => {
                let end = rest.char_indices().skip(1);
                let mut end = end.filter(|(_, c)| c.is_whitespace() || "()!&|".contains(*c));
                end.next().map_or(rest.len(), |(at, _)| at)
            }
        };
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// Keywords before an address or a port.
#[derive(Clone, Copy, Debug)]
struct Qualifiers {
    protocol: Option<Protocol>,
    direction: Direction,
    /// `None` without a keyword: the value is a host or a network.
    kind: Option<Kind>,
}

/// Protocol before another keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Ether,
    /// IP, IPv6, ARP or RARP.
    Network(EtherType),
    /// A protocol with ports, or another protocol above IP.
    Transport(IpProtocol),
}

/// Kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Net,
    Port,
    PortRange,
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    steps: Vec<Step>,
    /// Number of pending results.
    pending: u32,
    /// Keywords of the last primitive that had any.
    last: Option<Qualifiers>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    /// Consumes the next word if it is `word`.
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        self.at += usize::from(is_next);
        is_next
    }

    /// Returns the next word, which must exist.
    fn required_word(&mut self) -> Result<&'a str, FilterError> {
        self.next().ok_or_else(|| {
            let last = self.words.last().copied().unwrap_or_default();
            FilterError::Incomplete(last.to_owned())
        })
    }

    /// Parses parts that are combined by `and` and `or`, from the left.
    fn expression(&mut self, depth: u32) -> Result<(), FilterError> {
        self.part(depth)?;
        while let Some(word) = self.peek() {
            let step = match word {
                "and" | "&&" => Step::And,
                "or" | "||" => Step::Or,
                _ => return Ok(()),
            };
            self.at += 1;
            self.part(depth)?;
            self.steps.push(step);
            self.pending -= 1;
        }
        Ok(())
    }

    /// Parses a primitive, a negated part, or an expression in parentheses.
    fn part(&mut self, depth: u32) -> Result<(), FilterError> {
        if depth >= DEPTH {
            return Err(FilterError::TooDeep);
        }
        if self.take("not") || self.take("!") {
            self.part(depth + 1)?;
            self.steps.push(Step::Not);
            return Ok(());
        }
        if self.take("(") {
            self.expression(depth + 1)?;
            return match self.required_word()? {
                ")" => Ok(()),
                word => Err(FilterError::Unexpected(word.to_owned())),
            };
        }
        let primitive = self.primitive()?;
        self.steps.push(Step::Test(primitive));
        self.pending += 1;
        if self.pending > DEPTH { Err(FilterError::TooDeep) } else { Ok(()) }
    }

    fn primitive(&mut self) -> Result<Primitive, FilterError> {
        let start = self.at;
        if let Some(primitive) = self.word_primitive()? {
            return Ok(primitive);
        }
        let protocol = self.peek().and_then(protocol);
        self.at += usize::from(protocol.is_some());
        if self.take("proto") {
            return self.protocol_number(protocol);
        }
        match (protocol, self.peek()) {
            (Some(Protocol::Ether), Some("broadcast")) => {
                self.at += 1;
                return Ok(Primitive::Broadcast);
            }
            (Some(Protocol::Ether), Some("multicast")) => {
                self.at += 1;
                return Ok(Primitive::Multicast);
            }
            _ => {}
        }
        let direction = self.direction();
        let kind = match self.peek() {
            Some("host") => Some(Kind::Host),
            Some("net") => Some(Kind::Net),
            Some("port") => Some(Kind::Port),
            Some("portrange") => Some(Kind::PortRange),
            _ => None,
        };
        self.at += usize::from(kind.is_some());
        let has_keyword = self.at > start;
        // `arp` alone is a primitive, `arp src 10.0.0.1` has an address.
        if direction.is_none() && kind.is_none() {
            match protocol {
                Some(Protocol::Network(ether_type)) => return Ok(Primitive::EtherType(ether_type)),
                Some(Protocol::Transport(number)) => return Ok(Primitive::Protocol(None, number)),
                Some(Protocol::Ether) | None => {}
            }
        }
        let qualifiers = Qualifiers { protocol, direction: direction.unwrap_or(Direction::Either), kind };
        let word = self.required_word()?;
        let starts_value = word.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':');
        let qualifiers = self.last.filter(|_| !has_keyword).unwrap_or(qualifiers);
        if !has_keyword && !starts_value {
            return Err(FilterError::Unexpected(word.to_owned()));
        }
        self.last = Some(qualifiers);
        qualifiers.primitive(word)
    }

    /// Parses a primitive that starts with a word of its own.
    fn word_primitive(&mut self) -> Result<Option<Primitive>, FilterError> {
        let Some(word) = self.peek() else { return Ok(None) };
        let primitive = match word {
            "broadcast" => Primitive::Broadcast,
            "multicast" => Primitive::Multicast,
            "vlan" => {
                let number = self.words.get(self.at + 1).and_then(|word| number(word));
                self.at += usize::from(number.is_some());
                Primitive::Vlan(number)
            }
            "less" | "greater" => {
                self.at += 1;
                let value = self.required_word()?;
                let length = number(value).ok_or_else(|| invalid("length", value))?;
                let length = usize::from(length);
                return Ok(Some(if word == "less" {
                    Primitive::AtMost(length)
                } else {
                    Primitive::AtLeast(length)
                }));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(primitive))
    }

    /// Parses the number or the name after `proto`.
    fn protocol_number(&mut self, before: Option<Protocol>) -> Result<Primitive, FilterError> {
        let word = self.required_word()?;
        // tcpdump requires a backslash before a name, as names are keywords.
        let name = word.strip_prefix('\\').unwrap_or(word);
        let number = number(name);
        match before {
            Some(Protocol::Ether) => match (number, protocol(name)) {
                (Some(number), _) => Ok(Primitive::EtherType(EtherType(number))),
                (None, Some(Protocol::Network(ether_type))) => Ok(Primitive::EtherType(ether_type)),
                _ => Err(invalid("EtherType", word)),
            },
            None | Some(Protocol::Network(EtherType::IPV4 | EtherType::IPV6)) => {
                let ether_type = match before {
                    Some(Protocol::Network(ether_type)) => Some(ether_type),
                    _ => None,
                };
                match (number.map(u8::try_from), protocol(name)) {
                    (Some(Ok(number)), _) => Ok(Primitive::Protocol(ether_type, IpProtocol(number))),
                    (None, Some(Protocol::Transport(number))) => Ok(Primitive::Protocol(ether_type, number)),
                    _ => Err(invalid("IP protocol", word)),
                }
            }
            Some(_) => Err(FilterError::Unexpected("proto".to_owned())),
        }
    }

    fn direction(&mut self) -> Option<Direction> {
        let first = match self.peek()? {
            "src" => Direction::Source,
            "dst" => Direction::Destination,
            _ => return None,
        };
        self.at += 1;
        let other = if first == Direction::Source { "dst" } else { "src" };
        let pair = (self.peek(), self.words.get(self.at + 1).copied());
        let direction = match pair {
            (Some("or" | "||"), Some(word)) if word == other => Direction::Either,
            (Some("and" | "&&"), Some(word)) if word == other => Direction::Both,
            _ => return Some(first),
        };
        self.at += 2;
        Some(direction)
    }
}

impl Qualifiers {
    /// Returns the primitive with this value.
    fn primitive(self, word: &str) -> Result<Primitive, FilterError> {
        let Qualifiers { protocol, direction, kind } = self;
        let kind = kind.unwrap_or(if word.contains('/') { Kind::Net } else { Kind::Host });
        match (kind, protocol) {
            (Kind::Host, Some(Protocol::Ether)) => {
                let mac = mac(word).ok_or_else(|| invalid("MAC address", word))?;
                Ok(Primitive::Mac(direction, mac))
            }
            (Kind::Host | Kind::Net, None | Some(Protocol::Network(_))) => {
                let network = if kind == Kind::Net { network(word)? } else { host(word)? };
                let ether_type = match protocol {
                    Some(Protocol::Network(ether_type)) => Some(ether_type),
                    _ => None,
                };
                Ok(Primitive::Net(ether_type, direction, network))
            }
            (Kind::Port | Kind::PortRange, None | Some(Protocol::Transport(_))) => {
                let number = match protocol {
                    Some(Protocol::Transport(number)) => Some(number),
                    _ => None,
                };
                if number.is_some_and(|number| ![IpProtocol::TCP, IpProtocol::UDP, SCTP].contains(&number)) {
                    return Err(FilterError::Unexpected(word.to_owned()));
                }
                let (first, last) = match (kind, word.split_once('-')) {
                    (Kind::PortRange, Some((first, last))) => (number_of_port(first), number_of_port(last)),
                    _ => (number_of_port(word), number_of_port(word)),
                };
                match (first, last) {
                    (Some(first), Some(last)) if first <= last => {
                        Ok(Primitive::Ports(number, direction, [first, last]))
                    }
                    _ => Err(invalid("port", word)),
                }
            }
            _ => Err(FilterError::Unexpected(word.to_owned())),
        }
    }
}

fn protocol(word: &str) -> Option<Protocol> {
    Some(match word {
        "ether" => Protocol::Ether,
        "ip" => Protocol::Network(EtherType::IPV4),
        "ip6" => Protocol::Network(EtherType::IPV6),
        "arp" => Protocol::Network(EtherType::ARP),
        "rarp" => Protocol::Network(RARP),
        "tcp" => Protocol::Transport(IpProtocol::TCP),
        "udp" => Protocol::Transport(IpProtocol::UDP),
        "icmp" => Protocol::Transport(IpProtocol::ICMP),
        "icmp6" => Protocol::Transport(ICMP6),
        "igmp" => Protocol::Transport(IpProtocol::IGMP),
        "sctp" => Protocol::Transport(SCTP),
        _ => return None,
    })
}

fn invalid(expected: &'static str, word: &str) -> FilterError {
    FilterError::Invalid { expected, word: word.to_owned() }
}

/// Parses a number in decimal digits, or in hexadecimal digits after `0x`.
fn number(word: &str) -> Option<u16> {
    match word.strip_prefix("0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u16::from_str_radix(digits, 16).ok()
        }
        _ => number_of_port(word),
    }
}

fn number_of_port(word: &str) -> Option<u16> {
    word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit()))
}

fn mac(word: &str) -> Option<MacAddr> {
    let mut bytes = [0; 6];
    let mut parts = word.split([':', '-']);
    for byte in &mut bytes {
        let part = parts.next().filter(|part| (1..=2).contains(&part.len()))?;
        *byte = u8::from_str_radix(part, 16).ok().filter(|_| !part.starts_with('+'))?;
    }
    parts.next().is_none().then(|| MacAddr::new(bytes))
}

fn host(word: &str) -> Result<IpNet, FilterError> {
    word.parse::<IpAddr>().map(IpNet::from).map_err(|_| invalid("IP address", word))
}

/// Parses a network: `10.0.0.0/8`, an address, or the first one to three bytes of an IPv4 address, such as `192.168`.
fn network(word: &str) -> Result<IpNet, FilterError> {
    let invalid = || invalid("network", word);
    let (address, length) = match word.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (word, None),
    };
    let parts = address.split('.').count();
    let (address, whole) = match address.parse::<IpAddr>() {
        Ok(address) => (address, if address.is_ipv4() { 32 } else { 128 }),
        Err(_) if parts < 4 => {
            let mut bytes = [0; 4];
            for (byte, part) in bytes.iter_mut().zip(address.split('.')) {
                *byte = number(part).and_then(|part| u8::try_from(part).ok()).ok_or_else(invalid)?;
            }
            (Ipv4Addr::from(bytes).into(), parts * 8)
        }
        Err(_) => return Err(invalid()),
    };
    let length = match length {
        Some(length) => number_of_port(length).ok_or_else(invalid)?,
        None => u16::try_from(whole).map_err(|_| invalid())?,
    };
    let length = u8::try_from(length).map_err(|_| invalid())?;
    let network = IpNet::new(address, length).map_err(|_| invalid())?;
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(FilterError::HostBits(word.to_owned()))
    }
}
