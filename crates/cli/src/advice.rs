//! Error messages with hints: what failed, why, and the command or option that fixes it.
//!
//! The libraries report the kinds and causes of errors. Only this module knows commands and options.

use ipnet::IpNet;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use capture::{Error as CaptureError, FrameReaderError, UnsupportedFormat};
use dissect::FilterError;
use host::HostConfigError;
use ipv4::RouteError;
use nix::errno::Errno;
use nix::unistd::{geteuid, getuid};
use tap::linux::{
    CreateError, DeleteError, InterfaceChange, InterfaceError, InterfaceName, NameError, NamespaceError,
    OpenError, SocketError,
};

use crate::error_message::ErrorMessage;
use crate::users::{UnknownUser, caller, tap_owner, user_name};
use crate::values::non_host_kind;

/// Returns the message of an error, with hints if its kind is known.
pub fn explain(error: &(dyn Error + 'static)) -> ErrorMessage {
    if let Some(message) = error.downcast_ref::<ErrorMessage>() {
        message.clone()
    } else if let Some(error) = error.downcast_ref::<OpenError>() {
        open(error)
    } else if let Some(error) = error.downcast_ref::<CreateError>() {
        create(error)
    } else if let Some(DeleteError::Open(error)) = error.downcast_ref::<DeleteError>() {
        open(error)
    } else if let Some(error) = error.downcast_ref::<SocketError>() {
        socket(error)
    } else if let Some(error) = error.downcast_ref::<InterfaceError>() {
        interface(error)
    } else if let Some(error) = error.downcast_ref::<NameError>() {
        message(error).hint("use a name such as tap0")
    } else if let Some(error) = error.downcast_ref::<NamespaceError>() {
        namespace(error)
    } else if let Some(error) = error.downcast_ref::<HostConfigError>() {
        host_config(*error)
    } else if let Some(error) = error.downcast_ref::<RouteError>() {
        route(*error)
    } else if let Some(error) = error.downcast_ref::<FrameReaderError>() {
        capture(error)
    } else if let Some(error) = error.downcast_ref::<FilterError>() {
        filter(error)
    } else if let Some(error) = error.downcast_ref::<UnknownUser>() {
        message(error).hint_command("list the users", "getent passwd")
    } else if let Some(errno) = error.downcast_ref::<Errno>() {
        ErrorMessage::new(errno.desc())
    } else if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        explain(inner)
    } else {
        message(error)
    }
}

/// Returns the message of an error, without hints.
fn message(error: &(dyn Error + 'static)) -> ErrorMessage {
    ErrorMessage::new(error.to_string())
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw)
}

/// Whether this process runs in a container, where `modprobe` and `sudo` fix nothing.
fn is_in_container() -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| Path::new(mark).exists())
        || fs::read("/proc/1/environ").is_ok_and(|environ| {
            environ.split(|byte| *byte == 0).any(|variable| variable.starts_with(b"container="))
        })
}

/// Whether this process is root in a container: only a new container can have more capabilities.
fn is_root_in_container() -> bool {
    geteuid().is_root() && is_in_container()
}

/// Returns the hint to start the container with these options.
fn container_options(options: &str) -> String {
    format!("start the container with `docker run {options}`")
}

const WITH_TUN: &str = "--device /dev/net/tun --cap-add NET_ADMIN";

/// Returns the command that creates a TAP for the user of this process.
fn create_tap(name: &InterfaceName) -> String {
    let program = program();
    let program = if program.ends_with("/tapstack") { program } else { "tapstack".to_owned() };
    let (name, user) = (quoted(name.as_str()), quoted(&user_name(geteuid().as_raw())));
    format!("sudo {program} tap create {name} --user {user}")
}

fn open(error: &OpenError) -> ErrorMessage {
    let plain = message(error);
    match error {
        OpenError::NoNode(source) if errno(source) == Some(Errno::ENOENT) && is_in_container() => {
            plain.hint(container_options(WITH_TUN))
        }
        OpenError::NoNode(_) => plain.hint_command("load the kernel's tun driver", "sudo modprobe tun"),
        OpenError::NodeRefused(_) => {
            plain.hint_command("allow all users to open the device", "sudo chmod 0666 /dev/net/tun")
        }
        OpenError::NotPermitted(_) if is_root_in_container() => plain.hint(container_options(WITH_TUN)),
        OpenError::NotPermitted(name) => {
            plain.hint_command("create the TAP as root, once, for this user", create_tap(name))
        }
        OpenError::OwnedByAnother { name, owner, group } => ErrorMessage::new(format!(
            "cannot attach to TAP {name}: it belongs to {}",
            tap_owner(*owner, *group)
        ))
        .hint("use another name")
        .hint_command("or replace the TAP", format!("sudo ip link delete {name} && {}", create_tap(name))),
        OpenError::Busy { name, holders } => match holders.first() {
            Some(holder) => plain
                .hint("use another TAP")
                .hint_command("or end that process", format!("kill {}", holder.pid)),
            None => plain.hint_command(
                "find the process",
                format!("sudo grep -l 'iff:.{name}$' /proc/[0-9]*/fdinfo/*"),
            ),
        },
        OpenError::TunNotTap(name) => plain
            .hint("use another name")
            .hint_command("or delete the interface", format!("sudo ip link delete {name}")),
        OpenError::NotATap(_) => plain.hint("use a name that `ip link` does not list"),
        OpenError::QueueMismatch(name) => plain
            .hint_command("replace the TAP", format!("sudo ip link delete {name} && {}", create_tap(name))),
        OpenError::Absent(_) => plain.hint_command("list the TAPs", "ip -details link show type tun"),
        OpenError::Ring(source) => ring(&plain, source),
        OpenError::Offloads(_) => plain.hint("use `--io read-write`"),
        OpenError::Interface(source) => interface(source),
        OpenError::Name(source) => explain(source),
        _ => plain,
    }
}

/// Returns the message about `io_uring` that the kernel refused, with hints.
fn ring(plain: &ErrorMessage, source: &io::Error) -> ErrorMessage {
    let (why, container) = match errno(source) {
        Some(Errno::EPERM | Errno::EACCES) if is_in_container() => ("forbidden in this container", true),
        Some(Errno::EPERM | Errno::EACCES) => ("disabled by kernel.io_uring_disabled", false),
        Some(Errno::ENOSYS) => ("not supported by this kernel or container", false),
        Some(Errno::EOPNOTSUPP | Errno::EINVAL) => ("this kernel is too old", false),
        _ => return plain.clone().hint("use `--io read-write`"),
    };
    let message = ErrorMessage::new(format!("{} ({why})", plain.text())).hint("use `--io read-write`");
    if container { message.hint(container_options("--security-opt seccomp=unconfined")) } else { message }
}

fn create(error: &CreateError) -> ErrorMessage {
    let not_permitted = |name: &InterfaceName| {
        ErrorMessage::new(format!("cannot create TAP {name}: CAP_NET_ADMIN is required"))
            .hint_command("run the command as root", as_root(true))
    };
    match error {
        CreateError::Open { name, source: OpenError::NotPermitted(_) | OpenError::OwnedByAnother { .. } } => {
            not_permitted(name)
        }
        CreateError::Open { name, source: OpenError::NodeRefused(_) } if !getuid().is_root() => {
            not_permitted(name)
        }
        CreateError::Open { source, .. } => open(source),
        CreateError::Interface(source) if source.is_not_permitted() => not_permitted(source.name()),
        CreateError::Interface(source) => interface(source),
        CreateError::List(_) => message(error),
    }
}

fn socket(error: &SocketError) -> ErrorMessage {
    let plain = message(error);
    match error {
        SocketError::Absent(_) | SocketError::NotEthernet(_) => {
            plain.hint_command(LIST_INTERFACES, "ip -brief link")
        }
        SocketError::NotPermitted(_) if is_root_in_container() => {
            plain.hint(container_options("--cap-add NET_RAW"))
        }
        SocketError::NotPermitted(_) => {
            plain.hint_command("run the command as root", as_root(false)).hint_command(
                "or allow every user of this program to send raw frames",
                format!("sudo setcap cap_net_raw+ep {}", program()),
            )
        }
        SocketError::Down(name) => {
            plain.hint_command("bring up the interface", format!("sudo ip link set {name} up"))
        }
        SocketError::Interface(source) => interface(source),
        _ => plain,
    }
}

const LIST_INTERFACES: &str = "list the interfaces";

fn interface(error: &InterfaceError) -> ErrorMessage {
    let (plain, name) = (message(error), error.name());
    match (error.reason(), error.change()) {
        (Errno::EPERM | Errno::EACCES, Some(change)) => {
            plain.hint_command("make the change as root", format!("sudo ip {}", command(name, change)))
        }
        (Errno::ENODEV, _) => plain.hint_command(LIST_INTERFACES, "ip -brief link"),
        (Errno::EADDRNOTAVAIL | Errno::EINVAL, Some(InterfaceChange::Address(_))) => {
            plain.hint("use the address of a host, e.g. 10.0.0.1/24")
        }
        (Errno::EINVAL, Some(_)) => {
            plain.hint_command("show the limits of the interface", format!("ip -details link show {name}"))
        }
        _ => plain,
    }
}

/// The arguments of `ip` that make the same change.
fn command(name: &InterfaceName, change: InterfaceChange) -> String {
    match change {
        InterfaceChange::Mtu(mtu) => format!("link set {name} mtu {mtu}"),
        InterfaceChange::MacAddress(address) => {
            format!("link set {name} address {}", link::MacAddr::new(address))
        }
        InterfaceChange::Up(true) => format!("link set {name} up"),
        InterfaceChange::Up(false) => format!("link set {name} down"),
        InterfaceChange::Address(address) => format!("address add {address} dev {name}"),
        InterfaceChange::Route { destination, gateway: Some(gateway) } => {
            format!("route add {destination} via {gateway} dev {name}")
        }
        InterfaceChange::Route { destination, gateway: None } => {
            format!("route add {destination} dev {name}")
        }
    }
}

fn namespace(error: &NamespaceError) -> ErrorMessage {
    let plain = message(error);
    match error {
        NamespaceError::Forbidden(Errno::EPERM) if !may_clone_user_namespaces() => {
            plain.hint_command("allow user namespaces", "sudo sysctl kernel.unprivileged_userns_clone=1")
        }
        NamespaceError::Forbidden(_) if is_in_container() => {
            plain.hint(container_options("--privileged --device /dev/net/tun"))
        }
        NamespaceError::Forbidden(_) | NamespaceError::NetAdminMissing if !is_in_container() => {
            plain.hint("run the command as root")
        }
        NamespaceError::NetAdminMissing => plain.hint(container_options("--cap-add NET_ADMIN")),
        NamespaceError::LimitReached(_) => plain.hint_command(
            "print the limits, where 0 disables namespaces",
            "sysctl user.max_user_namespaces user.max_net_namespaces",
        ),
        NamespaceError::RestrictedByAppArmor => plain.hint_command(
            "allow privileges in user namespaces",
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        NamespaceError::Denied { .. } => {
            plain.hint("change the security policy of the machine or the container")
        }
        _ => plain,
    }
}

fn host_config(error: HostConfigError) -> ErrorMessage {
    let plain = message(&error);
    match error {
        HostConfigError::Address(network) => {
            let kind = match network {
                IpNet::V4(network) => non_host_kind(network),
                IpNet::V6(_) => None,
            };
            kind.map_or(plain, |kind| ErrorMessage::new(format!("{} is {kind}", network.addr())))
                .hint("use the address of a host, e.g. 10.0.0.2/24")
        }
        HostConfigError::Mac(_) => plain.hint("use a unicast MAC address, e.g. 02:00:00:00:00:02"),
        HostConfigError::Defense => plain.hint("use `--defend once` or `--defend cease`"),
        HostConfigError::Duplicate(_) => plain.hint("use ranges that do not overlap"),
        HostConfigError::Ipv6(_) => plain.hint("use an IPv4 address"),
        HostConfigError::TooManyInterfaces
        | HostConfigError::TooManyHosts
        | HostConfigError::NoInterface(_)
        | HostConfigError::RouteSource(_) => plain,
        HostConfigError::Gateway(_) => plain.hint("use the address of another host"),
        HostConfigError::Route(error) => route(error),
    }
}

fn route(error: RouteError) -> ErrorMessage {
    let plain = message(&error);
    match error {
        RouteError::NotOnLink(_) => plain.hint("use a gateway in the network of --address"),
        RouteError::InUse(_) => plain.hint("remove the routes through this gateway first"),
        _ => plain,
    }
}

/// Hint for a capture of an unsupported link type.
const SUPPORTED_LINK_TYPES: &str =
    "supported link types: Ethernet, Linux cooked captures, raw IP and loopback";

fn capture(error: &FrameReaderError) -> ErrorMessage {
    let plain = message(error);
    let through =
        |program: &str| format!("read the file through `{program}`, with `-` as the name of the file");
    let has_other_link_type = match error {
        FrameReaderError::File(CaptureError::UnsupportedFormat(format)) => {
            return match format {
                UnsupportedFormat::Bzip2 => plain.hint(through("bzcat")),
                UnsupportedFormat::Xz => plain.hint(through("xzcat")),
                UnsupportedFormat::Snoop | UnsupportedFormat::Variant(_) => {
                    plain.hint("convert the file: `editcap -F pcapng FILE NEW`")
                }
                UnsupportedFormat::Unknown | UnsupportedFormat::Gzip | UnsupportedFormat::Zstandard => plain,
            };
        }
        FrameReaderError::File(_) => return plain,
        FrameReaderError::LinkType(_) => true,
        FrameReaderError::Omitted(omitted) => omitted.link_types().next().is_some(),
    };
    if has_other_link_type { plain.hint(SUPPORTED_LINK_TYPES) } else { plain }
}

fn filter(error: &FilterError) -> ErrorMessage {
    let plain = message(error);
    match error {
        FilterError::Invalid { expected: "IP address", .. } => {
            plain.hint("use an address without leading zeros, e.g. 10.0.0.1; names are not supported")
        }
        FilterError::Invalid { expected: "port", .. } => {
            plain.hint("use a number from 0 to 65535; names are not supported")
        }
        FilterError::HostBits(word) => match word.parse::<IpNet>() {
            Ok(network) => plain.hint(format!("use the network {}", network.trunc())),
            Err(_) => plain,
        },
        FilterError::TooDeep => plain,
        _ => plain.hint_command("show the syntax of filters", "tapstack decode --help"),
    }
}

/// Whether `kernel.unprivileged_userns_clone` is not 0; most kernels have no such setting.
fn may_clone_user_namespaces() -> bool {
    let setting = fs::read_to_string("/proc/sys/kernel/unprivileged_userns_clone");
    setting.map_or(true, |text| text.trim() != "0")
}

/// Returns the path of this program, quoted for a shell.
pub(crate) fn program() -> String {
    quoted(&std::env::current_exe().unwrap_or_else(|_| "tapstack".into()).to_string_lossy())
}

/// Returns the command line of this process with `sudo`. If `names_user` is set, it adds the caller as `--user`.
fn as_root(names_user: bool) -> String {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let has_user = arguments.iter().any(|argument| argument.starts_with("--user"));
    let mut words = vec!["sudo".to_owned(), program()];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    if names_user && !has_user {
        words.extend(["--user".to_owned(), quoted(&user_name(caller()))]);
    }
    words.join(" ")
}

/// Returns a word quoted for a shell, if it needs quotes.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests;
