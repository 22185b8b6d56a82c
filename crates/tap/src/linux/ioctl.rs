//! The ioctls of `/dev/net/tun` and of network interfaces, each as one safe function.

#![allow(unsafe_code)]

use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use libc::{c_char, c_int, c_short, ifreq, sockaddr};
use nix::Result;

use super::InterfaceName;

/// The raw calls, as nix writes them.
mod raw {
    use libc::{c_int, ifreq, rtentry};

    nix::ioctl_readwrite_bad!(set_iff, libc::TUNSETIFF, ifreq);
    nix::ioctl_readwrite_bad!(get_iff, libc::TUNGETIFF, ifreq);
    nix::ioctl_read_bad!(get_features, libc::TUNGETFEATURES, c_int);
    nix::ioctl_write_int_bad!(set_persist, libc::TUNSETPERSIST);
    nix::ioctl_write_int_bad!(set_owner, libc::TUNSETOWNER);
    nix::ioctl_write_int_bad!(set_group, libc::TUNSETGROUP);
    nix::ioctl_write_int_bad!(set_offload, libc::TUNSETOFFLOAD);

    /// Declares the interface ioctls: each reads and writes one `ifreq`.
    macro_rules! interface {
        ($($name:ident = $code:ident),* $(,)?) => {
            $(nix::ioctl_readwrite_bad!($name, libc::$code, ifreq);)*
        };
    }
    interface!(
        get_index = SIOCGIFINDEX,
        get_flags = SIOCGIFFLAGS,
        get_mtu = SIOCGIFMTU,
        set_mtu = SIOCSIFMTU,
        get_hardware_address = SIOCGIFHWADDR,
        set_hardware_address = SIOCSIFHWADDR,
        get_address = SIOCGIFADDR,
        set_address = SIOCSIFADDR,
        get_netmask = SIOCGIFNETMASK,
        set_netmask = SIOCSIFNETMASK,
    );
    nix::ioctl_write_ptr_bad!(add_route, libc::SIOCADDRT, rtentry);

    pub(super) type Call = unsafe fn(c_int, *mut ifreq) -> nix::Result<c_int>;
}

/// An `ifreq` with the name filled in and every other octet zero.
fn request(name: &InterfaceName) -> ifreq {
    // SAFETY: ifreq is a name and a union of integers, addresses and one pointer, for all of which
    // zero is a value.
    let mut request: ifreq = unsafe { mem::zeroed() };
    // One octet of the sixteen stays zero: an InterfaceName has at most fifteen.
    for (to, from) in request.ifr_name.iter_mut().zip(name.as_str().bytes()) {
        *to = c_char::from_ne_bytes([from]);
    }
    request
}

/// Runs one interface ioctl; the kernel's answer is in `request` afterwards.
fn call(fd: BorrowedFd<'_>, ioctl: raw::Call, request: &mut ifreq) -> Result<()> {
    // SAFETY: `request` is a whole ifreq, valid and exclusive for the call, the kernel reads and
    // writes no more than one ifreq there, and the descriptor is open.
    unsafe { ioctl(fd.as_raw_fd(), request) }.map(drop)
}

fn name_in(request: &ifreq) -> String {
    let octets: Vec<u8> = request
        .ifr_name
        .iter()
        .map(|c| u8::from_ne_bytes(c.to_ne_bytes()))
        .take_while(|octet| *octet != 0)
        .collect();
    String::from_utf8_lossy(&octets).into_owned()
}

/// What the driver behind an open `/dev/net/tun` can do: flags as TUNSETIFF takes them.
pub(super) fn features(tun: BorrowedFd<'_>) -> Result<c_int> {
    let mut features = 0;
    // SAFETY: the kernel writes one integer there, valid and exclusive for the call, and the descriptor is
    // open.
    unsafe { raw::get_features(tun.as_raw_fd(), &raw mut features) }.map(|_| features)
}

/// Binds an open `/dev/net/tun` to an interface. The kernel may choose the name: it is returned.
pub(super) fn attach(tun: BorrowedFd<'_>, name: &InterfaceName, flags: c_int) -> Result<String> {
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = low_bits(flags);
    call(tun, raw::set_iff, &mut request)?;
    Ok(name_in(&request))
}

/// The flags of the interface that an open `/dev/net/tun` is bound to.
pub(super) fn attached_flags(tun: BorrowedFd<'_>, name: &InterfaceName) -> Result<c_int> {
    let mut request = request(name);
    call(tun, raw::get_iff, &mut request)?;
    // SAFETY: every octet of the union is initialised, and a c_short may hold any bits.
    Ok(c_int::from(unsafe { request.ifr_ifru.ifru_flags }))
}

/// The flags all lie in the low sixteen bits; the kernel reads them as a `c_short`.
fn low_bits(flags: c_int) -> c_short {
    let [low, high, ..] = flags.to_le_bytes();
    c_short::from_le_bytes([low, high])
}

/// Whether the interface outlives the program.
pub(super) fn set_persist(tun: BorrowedFd<'_>, persist: bool) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_persist(tun.as_raw_fd(), c_int::from(persist)) }.map(drop)
}

/// Lets the user with this id attach without capabilities.
pub(super) fn set_owner(tun: BorrowedFd<'_>, uid: u32) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_owner(tun.as_raw_fd(), uid.cast_signed()) }.map(drop)
}

/// Lets the members of the group with this id attach without capabilities.
pub(super) fn set_group(tun: BorrowedFd<'_>, gid: u32) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_group(tun.as_raw_fd(), gid.cast_signed()) }.map(drop)
}

/// Switches all checksum and segmentation offloads off: a persistent TAP keeps them over a reopen.
pub(super) fn reset_offloads(tun: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_offload(tun.as_raw_fd(), 0) }.map(drop)
}

pub(super) fn index(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<c_int> {
    let mut request = request(name);
    call(socket, raw::get_index, &mut request)?;
    // SAFETY: every octet of the union is initialised, and a c_int may hold any bits.
    Ok(unsafe { request.ifr_ifru.ifru_ifindex })
}

pub(super) fn is_up(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<bool> {
    Ok(c_int::from(flags(socket, name)?) & libc::IFF_UP != 0)
}

/// Whether it is told to do without ARP.
pub(super) fn is_without_arp(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<bool> {
    Ok(c_int::from(flags(socket, name)?) & libc::IFF_NOARP != 0)
}

fn flags(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<c_short> {
    let mut request = request(name);
    call(socket, raw::get_flags, &mut request)?;
    // SAFETY: every octet of the union is initialised, and a c_short may hold any bits.
    Ok(unsafe { request.ifr_ifru.ifru_flags })
}

pub(super) fn mtu(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<c_int> {
    let mut request = request(name);
    call(socket, raw::get_mtu, &mut request)?;
    // SAFETY: every octet of the union is initialised, and a c_int may hold any bits.
    Ok(unsafe { request.ifr_ifru.ifru_mtu })
}

pub(super) fn set_mtu(socket: BorrowedFd<'_>, name: &InterfaceName, mtu: c_int) -> Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_mtu = mtu;
    call(socket, raw::set_mtu, &mut request)
}

/// The hardware type (`ARPHRD_*`), and six octets of the hardware address.
pub(super) fn hardware(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<(u16, [u8; 6])> {
    let mut request = request(name);
    call(socket, raw::get_hardware_address, &mut request)?;
    // SAFETY: every octet of the union is initialised, and a sockaddr may hold any bits.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut octets = [0; 6];
    for (to, from) in octets.iter_mut().zip(address.sa_data) {
        *to = u8::from_ne_bytes(from.to_ne_bytes());
    }
    Ok((address.sa_family, octets))
}

pub(super) fn set_hardware_address(
    socket: BorrowedFd<'_>,
    name: &InterfaceName,
    address: [u8; 6],
) -> Result<()> {
    let mut request = request(name);
    let mut to = sockaddr { sa_family: libc::ARPHRD_ETHER, sa_data: [0; 14] };
    for (to, from) in to.sa_data.iter_mut().zip(address) {
        *to = c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_hwaddr = to;
    call(socket, raw::set_hardware_address, &mut request)
}

pub(super) fn address(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<Ipv4Addr> {
    read_address(socket, name, raw::get_address)
}

pub(super) fn set_address(socket: BorrowedFd<'_>, name: &InterfaceName, to: Ipv4Addr) -> Result<()> {
    write_address(socket, name, raw::set_address, to)
}

pub(super) fn netmask(socket: BorrowedFd<'_>, name: &InterfaceName) -> Result<Ipv4Addr> {
    read_address(socket, name, raw::get_netmask)
}

pub(super) fn set_netmask(socket: BorrowedFd<'_>, name: &InterfaceName, to: Ipv4Addr) -> Result<()> {
    write_address(socket, name, raw::set_netmask, to)
}

fn read_address(socket: BorrowedFd<'_>, name: &InterfaceName, ioctl: raw::Call) -> Result<Ipv4Addr> {
    let mut request = request(name);
    call(socket, ioctl, &mut request)?;
    // SAFETY: every octet of the union is initialised, and a sockaddr may hold any bits.
    let address = unsafe { request.ifr_ifru.ifru_addr };
    // A sockaddr_in seen as a sockaddr: two octets of port, then the address.
    let [_, _, a, b, c, d, ..] = address.sa_data.map(|octet| u8::from_ne_bytes(octet.to_ne_bytes()));
    Ok(Ipv4Addr::new(a, b, c, d))
}

fn write_address(
    socket: BorrowedFd<'_>,
    name: &InterfaceName,
    ioctl: raw::Call,
    address: Ipv4Addr,
) -> Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_addr = internet(address);
    call(socket, ioctl, &mut request)
}

/// A route to `destination` through the interface, by way of `gateway` if there is one.
pub(super) fn add_route(
    socket: impl AsFd,
    name: &InterfaceName,
    destination: Ipv4Addr,
    netmask: Ipv4Addr,
    gateway: Option<Ipv4Addr>,
) -> Result<()> {
    let mut device = request(name).ifr_name;
    // SAFETY: rtentry is integers, addresses and one pointer, for all of which zero is a value.
    let mut route: libc::rtentry = unsafe { mem::zeroed() };
    route.rt_dst = internet(destination);
    route.rt_genmask = internet(netmask);
    route.rt_flags = libc::RTF_UP;
    if let Some(gateway) = gateway {
        route.rt_gateway = internet(gateway);
        route.rt_flags |= libc::RTF_GATEWAY;
    }
    route.rt_dev = device.as_mut_ptr();
    // SAFETY: `route` is a whole rtentry that the kernel only reads, its pointer leads to `device`,
    // a string with a zero at its end that lives until the call is over, and the descriptor is open.
    unsafe { raw::add_route(socket.as_fd().as_raw_fd(), &raw const route) }.map(drop)
}

/// An internet address as the sockaddr that these ioctls carry.
fn internet(address: Ipv4Addr) -> sockaddr {
    let family = libc::sa_family_t::try_from(libc::AF_INET).unwrap_or_default();
    let mut data = [0; 14];
    // A sockaddr_in seen as a sockaddr: two octets of port, then the address.
    for (to, from) in data.iter_mut().skip(2).zip(address.octets()) {
        *to = c_char::from_ne_bytes([from]);
    }
    sockaddr { sa_family: family, sa_data: data }
}

/// What the flags of an attached interface say.
pub(super) const PERSISTENT: c_int = libc::IFF_PERSIST;
/// A TAP with one queue and bare frames.
pub(super) const PLAIN_TAP: c_int = libc::IFF_TAP | libc::IFF_NO_PI;
