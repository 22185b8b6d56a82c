//! Bridges that interfaces are ports of.

use std::io;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkHeader, LinkMessage};

use super::InterfaceName;
use super::link;
use super::netlink::{Connection, attribute, number};

/// An interface as far as bridges are concerned.
struct Member {
    index: u32,
    name: InterfaceName,
    /// The index of the bridge that it is a port of.
    bridge: Option<u32>,
}

/// The bridge that an interface is a port of, if it is one.
pub fn bridge_of(name: &InterfaceName) -> io::Result<Option<InterfaceName>> {
    let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let members = Connection::open()?.dump(&request, member)?;
    let bridge = members.iter().find(|member| member.name == *name).and_then(|member| member.bridge);
    Ok(members.into_iter().find(|member| Some(member.index) == bridge).map(|member| member.name))
}

fn member(message: &[u8]) -> Option<Member> {
    let header = LinkHeader::parse(message).ok()?;
    let link = |wanted| attribute(message, link::HEADER, wanted);
    let text = |value: &[u8]| String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned();
    let port = attribute(link(libc::IFLA_LINKINFO).unwrap_or_default(), 0, libc::IFLA_INFO_SLAVE_KIND);
    let is_port = port.is_some_and(|kind| text(kind) == "bridge");
    Some(Member {
        index: header.index,
        name: text(link(libc::IFLA_IFNAME)?).parse().ok()?,
        bridge: link(libc::IFLA_MASTER).and_then(number).filter(|_| is_port),
    })
}
