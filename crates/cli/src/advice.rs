//! Error messages with advice: what failed, why, and the command or option that fixes it.
//!
//! The libraries report kinds and causes; commands and options are known only here.

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use host::HostConfigError;
use nix::errno::Errno;
use nix::unistd::{geteuid, getuid};
use tap::linux::{
    CreateError, DeleteError, InterfaceChange, InterfaceError, InterfaceName, NamespaceError, OpenError,
    SocketError,
};

use crate::users::{caller, tap_owner, user_name};

/// Returns the message of an error on one line, with advice where there is some.
pub fn explain(error: &(dyn Error + 'static)) -> String {
    without_error_numbers(&with_advice(error))
}

fn with_advice(error: &(dyn Error + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<OpenError>() {
        open(error)
    } else if let Some(error) = error.downcast_ref::<CreateError>() {
        create(error)
    } else if let Some(DeleteError::Open(error)) = error.downcast_ref::<DeleteError>() {
        open(error)
    } else if let Some(error) = error.downcast_ref::<SocketError>() {
        socket(error)
    } else if let Some(error) = error.downcast_ref::<InterfaceError>() {
        interface(error)
    } else if let Some(error) = error.downcast_ref::<NamespaceError>() {
        namespace(error)
    } else if let Some(error) = error.downcast_ref::<HostConfigError>() {
        host_config(*error)
    } else if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        with_advice(inner)
    } else {
        error.to_string()
    }
}

/// Returns a message without the numbers of the system's errors, which Rust adds to their text.
pub(crate) fn without_error_numbers(message: &str) -> String {
    const NUMBER: &str = " (os error ";
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut rest = message;
    let mut plain = String::new();
    while let Some((before, behind)) = rest.split_once(NUMBER) {
        plain.push_str(before);
        let number = behind.split_once(')').filter(|(number, _)| is_number(number));
        rest = number.map_or(behind, |(_, rest)| rest);
        if number.is_none() {
            plain.push_str(NUMBER);
        }
    }
    plain + rest
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

/// Whether this process is the root of a container, which only another container can give a capability.
fn is_root_in_container() -> bool {
    geteuid().is_root() && is_in_container()
}

/// The command that makes a TAP which the caller may attach to.
fn add_tap(name: &InterfaceName) -> String {
    format!("sudo ip tuntap add dev {name} mode tap user {}", user_name(geteuid().as_raw()))
}

fn open(error: &OpenError) -> String {
    match error {
        OpenError::NoNode(source) if errno(source) == Some(Errno::ENOENT) && is_in_container() => format!(
            "{error}, this container was started without it; `docker run --device /dev/net/tun --cap-add NET_ADMIN ...`"
        ),
        OpenError::NoNode(_) => {
            format!("{error}, the kernel's tun driver is not loaded; `sudo modprobe tun`")
        }
        OpenError::NodeRefused(_) => {
            format!("{error}, its file mode keeps you out; `sudo chmod 0666 /dev/net/tun`")
        }
        OpenError::NotPermitted(name) if is_root_in_container() => format!(
            "cannot make TAP {name}: this container was started without CAP_NET_ADMIN; `docker run --device /dev/net/tun --cap-add NET_ADMIN ...`"
        ),
        OpenError::NotPermitted(name) => {
            format!("{error}, attaching to one of your own does not; `{}`", add_tap(name))
        }
        OpenError::OwnedByAnother { name, owner, group } => format!(
            "cannot attach to TAP {name}: it belongs to {}; choose another name, or `sudo ip link delete {name} && {}`",
            tap_owner(*owner, *group),
            add_tap(name)
        ),
        OpenError::Busy { name, holders } => match holders.first() {
            Some(holder) => format!("{error}; `kill {}`", holder.pid),
            None => format!(
                "{error}; `sudo grep -l 'iff:.{name}$' /proc/[0-9]*/fdinfo/*` finds all who hold one of this name"
            ),
        },
        OpenError::TunNotTap(name) => {
            format!("{error}; choose another name or `sudo ip link delete {name}`")
        }
        OpenError::NotATap(_) => format!("{error}; choose a name that `ip link` does not list"),
        OpenError::QueueMismatch(name) => {
            format!("{error}; `sudo ip link delete {name} && {}`", add_tap(name))
        }
        OpenError::Absent(_) => format!("{error}; `ip -details link show type tun` lists those there are"),
        OpenError::Ring(source) => format!("{error}, {}", ring(source)),
        OpenError::Interface(source) => interface(source),
        _ => error.to_string(),
    }
}

/// Why the kernel refused `io_uring`, and what to do.
fn ring(source: &io::Error) -> &'static str {
    match errno(source) {
        Some(Errno::EPERM | Errno::EACCES) if is_in_container() => {
            "this container forbids it; `docker run --security-opt seccomp=unconfined ...`, or choose `--io read-write`"
        }
        Some(Errno::EPERM | Errno::EACCES) => {
            "it is switched off (kernel.io_uring_disabled); choose `--io read-write`"
        }
        Some(Errno::ENOSYS) => "this kernel or container has none; choose `--io read-write`",
        Some(Errno::EOPNOTSUPP | Errno::EINVAL) => {
            "this kernel is too old for that; choose `--io read-write`"
        }
        _ => "the system refuses; choose `--io read-write`",
    }
}

fn create(error: &CreateError) -> String {
    let not_permitted =
        |name: &InterfaceName| format!("cannot make TAP {name}: that takes CAP_NET_ADMIN; `{}`", as_root());
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
        CreateError::List(_) => error.to_string(),
    }
}

fn socket(error: &SocketError) -> String {
    match error {
        SocketError::Absent(_) => format!("{error}; `ip link` lists the interfaces there are"),
        SocketError::NotPermitted(name) if is_root_in_container() => format!(
            "cannot open a packet socket on {name}: this container was started without CAP_NET_RAW; `docker run --cap-add NET_RAW ...`"
        ),
        SocketError::NotPermitted(_) => {
            let program = std::env::current_exe()
                .map_or_else(|_| "PROGRAM".to_owned(), |path| path.display().to_string());
            format!("{error}; `sudo setcap cap_net_raw+ep {program}`")
        }
        SocketError::Down(name) => {
            format!("{error}, and nobody is heard or asked until it is up; `sudo ip link set {name} up`")
        }
        SocketError::NotEthernet(_) => {
            format!("{error}, so there is no ARP on it; `ip -brief link` lists other interfaces")
        }
        SocketError::Interface(source) => interface(source),
        _ => error.to_string(),
    }
}

fn interface(error: &InterfaceError) -> String {
    let name = error.name();
    match (error.reason(), error.change()) {
        (Errno::EPERM | Errno::EACCES, Some(change)) => {
            format!("{error}; `sudo ip {}`", command(name, change))
        }
        (Errno::ENODEV, _) => format!("{error}; `ip link` lists the interfaces there are"),
        (Errno::EADDRNOTAVAIL | Errno::EINVAL, Some(InterfaceChange::Address(_))) => {
            format!("{error}; choose a host's address, such as 10.0.0.1/24")
        }
        (Errno::EINVAL, Some(_)) => format!("{error}; `ip -details link show {name}` tells its limits"),
        _ => error.to_string(),
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

fn namespace(error: &NamespaceError) -> String {
    match error {
        NamespaceError::Forbidden(Errno::EPERM) if !may_clone_user_namespaces() => {
            format!("{error}; `sudo sysctl kernel.unprivileged_userns_clone=1`")
        }
        NamespaceError::Forbidden(_) if is_in_container() => {
            format!("{error}; `docker run --privileged --device /dev/net/tun ...`")
        }
        NamespaceError::Forbidden(_) => format!("{error}; only root can make one"),
        NamespaceError::LimitReached(_) => format!(
            "{error}; `sysctl user.max_user_namespaces user.max_net_namespaces` prints the limits, 0 switches namespaces off"
        ),
        NamespaceError::RestrictedByAppArmor => {
            format!("{error}; `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`")
        }
        NamespaceError::Denied { .. } => format!("{error}, a security module or the container forbids it"),
        NamespaceError::NetAdminMissing if is_in_container() => {
            format!("{error}; `docker run --cap-add NET_ADMIN ...`")
        }
        NamespaceError::NetAdminMissing => format!("{error}; run it as root"),
        _ => error.to_string(),
    }
}

fn host_config(error: HostConfigError) -> String {
    match error {
        HostConfigError::Address(_) => format!("{error}; choose one such as 10.0.0.2/24"),
        HostConfigError::Mac(_) => format!("{error}: choose one such as 02:00:00:00:00:02"),
        HostConfigError::Defense => format!("{error}; choose `once` or `cease`"),
        HostConfigError::Duplicate(_) => format!("{error}; choose others"),
        HostConfigError::Gateway(_) => format!("{error}; name another"),
        HostConfigError::Route(_) => error.to_string(),
    }
}

/// Whether `kernel.unprivileged_userns_clone` is not 0; most kernels have no such setting.
fn may_clone_user_namespaces() -> bool {
    let setting = fs::read_to_string("/proc/sys/kernel/unprivileged_userns_clone");
    setting.map_or(true, |text| text.trim() != "0")
}

/// Returns this process's command line, with `sudo` before it and the caller as `--user` behind it.
fn as_root() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "tapstack".into());
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let names_user = arguments.iter().any(|argument| argument.starts_with("--user"));
    let mut words = vec!["sudo".to_owned(), quoted(&program.to_string_lossy())];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    if !names_user {
        words.extend(["--user".to_owned(), quoted(&user_name(caller()))]);
    }
    words.join(" ")
}

/// Returns a word as a shell takes it.
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
