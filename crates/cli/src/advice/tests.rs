use super::*;
use tap::linux::{Holder, Interface};

fn name() -> InterfaceName {
    "tap0".parse().unwrap()
}

fn message(error: impl Error + 'static) -> String {
    explain(&error)
}

#[test]
fn quoted_word_reaches_shell_unchanged() {
    assert_eq!(quoted("/usr/bin/tapstack"), "/usr/bin/tapstack");
    assert_eq!(quoted("my tap"), "'my tap'");
    assert_eq!(quoted("it's"), r"'it'\''s'");
    assert_eq!(quoted(""), "''");
}

#[test]
fn open_error_names_command_to_paste() {
    let holders = vec![Holder { pid: 42, command: "other".to_owned() }];
    let errors = [
        (
            OpenError::NoNode(Errno::ENODEV.into()),
            "No such device, the kernel's tun driver is not loaded; `sudo modprobe tun`",
        ),
        (
            OpenError::NodeRefused(Errno::EACCES.into()),
            "Permission denied, its file mode keeps you out; `sudo chmod 0666 /dev/net/tun`",
        ),
        (
            OpenError::OwnedByAnother { name: name(), owner: Some(0), group: None },
            "it belongs to root; choose another name, or `sudo ip link delete tap0",
        ),
        (OpenError::OwnedByAnother { name: name(), owner: None, group: Some(7) }, "it belongs to group 7; "),
        (OpenError::Busy { name: name(), holders }, "process 42 (other) holds it; `kill 42`"),
        (OpenError::Busy { name: name(), holders: vec![] }, "sudo grep -l"),
        (OpenError::TunNotTap(name()), "sudo ip link delete tap0"),
        (OpenError::NotATap(name()), "`ip link`"),
        (OpenError::QueueMismatch(name()), "sudo ip link delete tap0"),
        (OpenError::Absent(name()), "ip -details link show type tun"),
        (OpenError::Ring(Errno::ENOSYS.into()), "none; choose `--io read-write`"),
        (OpenError::Ring(Errno::EOPNOTSUPP.into()), "too old for that; choose `--io read-write`"),
        (OpenError::Ring(Errno::ENOMEM.into()), "the system refuses; choose `--io read-write`"),
    ];
    for (error, part) in errors {
        let text = message(error);
        assert!(text.contains(part), "{text}");
        assert!(!text.contains('\n') && text.matches('`').count() >= 2, "{text}");
    }
}

#[test]
fn host_config_error_names_valid_choice() {
    let network = "10.0.0.0/24".parse().unwrap();
    let errors = [
        (
            HostConfigError::Address(network),
            "10.0.0.0/24 is no host's address: it is a network's, a broadcast, a group's, loopback or zero; choose one such as 10.0.0.2/24",
        ),
        (
            HostConfigError::Mac(link::MacAddr::ZERO),
            "00:00:00:00:00:00 is no station's hardware address, or not as many follow it as there are hosts: choose one such as 02:00:00:00:00:02",
        ),
        (
            HostConfigError::Defense,
            "an address of one's own choice cannot be defended for ever (RFC 3927 2.5); choose `once` or `cease`",
        ),
        (
            HostConfigError::Duplicate(network),
            "some addresses of 10.0.0.0/24, or their hardware addresses, are given to hosts before it; choose others",
        ),
        (
            HostConfigError::Gateway([10, 0, 0, 2].into()),
            "10.0.0.2 is our own address, and no gateway of ours; name another",
        ),
    ];
    for (error, text) in errors {
        assert_eq!(message(error), text);
    }
}

#[test]
fn open_error_advises_another_container_only_inside_one() {
    let texts = [
        (
            OpenError::NoNode(Errno::ENOENT.into()),
            "sudo modprobe tun",
            "docker run --device /dev/net/tun",
            is_in_container(),
        ),
        (
            OpenError::NotPermitted(name()),
            "sudo ip tuntap add dev tap0",
            "--cap-add NET_ADMIN",
            is_root_in_container(),
        ),
    ];
    for (error, outside, inside, is_inside) in texts {
        let text = message(error);
        assert_eq!((text.contains(outside), text.contains(inside)), (!is_inside, is_inside), "{text}");
    }
}

#[test]
fn holder_name_is_escaped() {
    let holders = vec![Holder { pid: 42, command: "\x1b[2J\x1b[Hpwned".to_owned() }];
    let text = message(OpenError::Busy { name: name(), holders });
    assert!(text.contains(r"process 42 (\u{1b}[2J\u{1b}[Hpwned) holds it"), "{text}");
}

#[test]
fn socket_error_names_command_to_paste() {
    let raw = if is_root_in_container() {
        "without CAP_NET_RAW; `docker run --cap-add NET_RAW"
    } else {
        "take CAP_NET_RAW; `sudo setcap cap_net_raw+ep /"
    };
    let errors = [
        (SocketError::Absent(name()), "`ip link`"),
        (SocketError::NotPermitted(name()), raw),
        (SocketError::Down(name()), "`sudo ip link set tap0 up`"),
        (SocketError::NotEthernet(name()), "`ip -brief link`"),
    ];
    for (error, part) in errors {
        let text = message(error);
        assert!(text.contains(part), "{text}");
        assert!(!text.contains('\n') && text.matches('`').count() == 2, "{text}");
    }
}

#[test]
fn namespace_error_names_command_only_when_one_fixes_it() {
    let forbidden = message(NamespaceError::Forbidden(Errno::ENOSYS));
    let hint = if is_in_container() { "`docker run --privileged" } else { "only root can make one" };
    assert!(forbidden.contains(&format!("(Function not implemented); {hint}")), "{forbidden}");
    assert!(!message(NamespaceError::NetAdminMissing).contains("sudo"));
    let denied = message(NamespaceError::Denied { step: "act", source: Errno::EACCES.into() });
    assert_eq!(
        denied,
        "cannot make a network namespace: cannot act: Permission denied, a security module or the container forbids it"
    );
    let limit = message(NamespaceError::LimitReached(Errno::ENOSPC));
    assert!(limit.contains("limit reached") && limit.contains("user.max_user_namespaces"), "{limit}");
}

#[test]
fn advice_is_found_inside_io_error() {
    let text = message(io::Error::other(SocketError::Absent(name())));
    assert_eq!(text, "there is no interface tap0; `ip link` lists the interfaces there are");
}

#[test]
fn interface_error_names_command_that_fits_change() {
    let address = |text: &str| text.parse().unwrap();
    let changes = [
        (InterfaceChange::Mtu(9000), "link set tap0 mtu 9000"),
        (InterfaceChange::MacAddress([2, 0, 0, 0, 0, 1]), "link set tap0 address 02:00:00:00:00:01"),
        (InterfaceChange::Up(true), "link set tap0 up"),
        (InterfaceChange::Up(false), "link set tap0 down"),
        (InterfaceChange::Address(address("10.0.0.1/24")), "address add 10.0.0.1/24 dev tap0"),
    ];
    for (change, expected) in changes {
        assert_eq!(command(&name(), change), expected);
    }
    let route = |gateway| InterfaceChange::Route { destination: address("192.0.2.0/24"), gateway };
    assert_eq!(command(&name(), route(None)), "route add 192.0.2.0/24 dev tap0");
    let via = command(&name(), route(Some([10, 0, 0, 1].into())));
    assert_eq!(via, "route add 192.0.2.0/24 via 10.0.0.1 dev tap0");
}

#[test]
fn interface_error_advises_values_when_kernel_refuses_them() {
    let lo = Interface::named(&"lo".parse().unwrap()).unwrap();
    let group = message(lo.add_address("224.0.0.1/24".parse().unwrap()).unwrap_err());
    assert_eq!(
        group,
        "cannot add an address of interface lo: Cannot assign requested address; choose a host's address, such as 10.0.0.1/24"
    );
    let mtu = message(lo.set_mtu(usize::MAX).unwrap_err());
    assert!(mtu.ends_with("Invalid argument; `ip -details link show lo` tells its limits"), "{mtu}");
    let absent = Interface::named(&"absent0".parse().unwrap()).unwrap();
    let absent = message(absent.addresses().unwrap_err());
    assert!(absent.ends_with("No such device; `ip link` lists the interfaces there are"), "{absent}");
}
