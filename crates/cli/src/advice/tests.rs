use super::*;
use capture::LinkType;
use tap::linux::{Holder, Interface};

fn name() -> InterfaceName {
    "tap0".parse().unwrap()
}

fn text_of(error: impl Error + 'static) -> String {
    explain(&error).to_string()
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
            "No such device\nhint: load the kernel's tun driver: `sudo modprobe tun`",
        ),
        (
            OpenError::NodeRefused(Errno::EACCES.into()),
            "Permission denied\nhint: allow all users to open the device: `sudo chmod 0666 /dev/net/tun`",
        ),
        (
            OpenError::OwnedByAnother { name: name(), owner: Some(0), group: None },
            "it belongs to root\nhint: use another name\nhint: or replace the TAP: `sudo ip link delete tap0 && sudo tapstack tap create tap0 --user",
        ),
        (OpenError::OwnedByAnother { name: name(), owner: None, group: Some(7) }, "it belongs to group 7\n"),
        (
            OpenError::Busy { name: name(), holders },
            "in use by process 42 (other)\nhint: use another TAP\nhint: or end that process: `kill 42`",
        ),
        (OpenError::Busy { name: name(), holders: vec![] }, "sudo grep -l"),
        (OpenError::TunNotTap(name()), "or delete the interface: `sudo ip link delete tap0`"),
        (OpenError::NotATap(name()), "it is not a TAP\nhint: use a name that `ip link` does not list"),
        (OpenError::QueueMismatch(name()), "sudo ip link delete tap0"),
        (OpenError::Absent(name()), "ip -details link show type tun"),
        (
            OpenError::Ring(Errno::ENOSYS.into()),
            "(not supported by this kernel or container)\nhint: use `--io read-write`",
        ),
        (OpenError::Ring(Errno::EOPNOTSUPP.into()), "(this kernel is too old)\nhint: use `--io read-write`"),
        (
            OpenError::Offloads(Errno::EINVAL.into()),
            "cannot use offloads: Invalid argument\nhint: use `--io read-write`",
        ),
        (OpenError::Ring(Errno::ENOMEM.into()), "Cannot allocate memory\nhint: use `--io read-write`"),
    ];
    for (error, part) in errors {
        let text = text_of(error);
        assert!(text.contains(part), "{text}");
        assert!(text.starts_with("cannot ") || text.starts_with("TAP "), "{text}");
    }
}

#[test]
fn host_config_error_names_valid_choice() {
    let network = "10.0.0.0/24".parse().unwrap();
    let errors = [
        (
            HostConfigError::Address(network),
            "10.0.0.0 is the network address of 10.0.0.0/24\nhint: use the address of a host, e.g. 10.0.0.2/24",
        ),
        (
            HostConfigError::Mac(link::MacAddr::ZERO),
            "00:00:00:00:00:00 is not a unicast MAC address\nhint: use a unicast MAC address, e.g. 02:00:00:00:00:02",
        ),
        (
            HostConfigError::Defense,
            "a link-local address cannot be defended without limit (RFC 3927 2.5)\nhint: use `--defend once` or `--defend cease`",
        ),
        (
            HostConfigError::Duplicate(network),
            "10.0.0.0/24 shares IP or MAC addresses with a host that was added before\nhint: use ranges that do not overlap",
        ),
        (
            HostConfigError::Gateway([10, 0, 0, 2].into()),
            "the gateway 10.0.0.2 is a local address\nhint: use the address of another host",
        ),
        (
            HostConfigError::Route(RouteError::NotOnLink([10, 9, 0, 1].into())),
            "gateway 10.9.0.1 is not on the link\nhint: use a gateway in the network of --address",
        ),
    ];
    for (error, text) in errors {
        assert_eq!(text_of(error), text);
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
            "sudo tapstack tap create tap0 --user ",
            "--cap-add NET_ADMIN",
            is_root_in_container(),
        ),
    ];
    for (error, outside, inside, is_inside) in texts {
        let text = text_of(error);
        assert_eq!((text.contains(outside), text.contains(inside)), (!is_inside, is_inside), "{text}");
    }
}

#[test]
fn holder_name_is_escaped() {
    let holders = vec![Holder { pid: 42, command: "\x1b[2J\x1b[Hpwned".to_owned() }];
    let text = text_of(OpenError::Busy { name: name(), holders });
    assert!(text.contains(r"in use by process 42 (\u{1b}[2J\u{1b}[Hpwned)"), "{text}");
}

#[test]
fn socket_error_names_command_to_paste() {
    let raw = if is_root_in_container() {
        "CAP_NET_RAW is required\nhint: start the container with `docker run --cap-add NET_RAW`"
    } else {
        "CAP_NET_RAW is required\nhint: run the command as root: `sudo /"
    };
    let errors = [
        (SocketError::Absent(name()), "`ip -brief link`"),
        (SocketError::NotPermitted(name()), raw),
        (SocketError::Down(name()), "`sudo ip link set tap0 up`"),
        (SocketError::NotEthernet(name()), "`ip -brief link`"),
    ];
    for (error, part) in errors {
        let text = text_of(error);
        assert!(text.contains(part), "{text}");
        assert!(text.contains("\nhint: ") && !text.contains(';'), "{text}");
    }
}

#[test]
fn namespace_error_names_command_only_when_one_fixes_it() {
    let forbidden = text_of(NamespaceError::Forbidden(Errno::ENOSYS));
    let hint = if is_in_container() {
        "start the container with `docker run --privileged"
    } else {
        "run the command as root"
    };
    assert!(forbidden.contains(&format!("(Function not implemented)\nhint: {hint}")), "{forbidden}");
    assert!(!text_of(NamespaceError::NetAdminMissing).contains("sudo"));
    let denied = text_of(NamespaceError::Denied { step: "act", source: Errno::EACCES.into() });
    assert_eq!(
        denied,
        "cannot create a network namespace: cannot act: Permission denied\nhint: change the security policy of the machine or the container"
    );
    let limit = text_of(NamespaceError::LimitReached(Errno::ENOSPC));
    assert!(limit.contains("limit reached") && limit.contains("user.max_user_namespaces"), "{limit}");
}

#[test]
fn system_error_has_no_symbol_or_number() {
    assert_eq!(text_of(Errno::EPERM), "Operation not permitted");
    assert_eq!(text_of(io::Error::from(Errno::EPERM)), "Operation not permitted");
}

#[test]
fn advice_is_found_inside_io_error() {
    let text = text_of(io::Error::other(SocketError::Absent(name())));
    assert_eq!(text, "interface tap0 does not exist\nhint: list the interfaces: `ip -brief link`");
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
    let group = text_of(lo.add_address("224.0.0.1/24".parse().unwrap()).unwrap_err());
    assert_eq!(
        group,
        "cannot add an IP address to interface lo: Cannot assign requested address\nhint: use the address of a host, e.g. 10.0.0.1/24"
    );
    let mtu = text_of(lo.set_mtu(usize::MAX).unwrap_err());
    assert!(
        mtu.ends_with("Invalid argument\nhint: show the limits of the interface: `ip -details link show lo`"),
        "{mtu}"
    );
    let absent = Interface::named(&"absent0".parse().unwrap()).unwrap();
    let absent = text_of(absent.addresses().unwrap_err());
    assert!(absent.ends_with("No such device\nhint: list the interfaces: `ip -brief link`"), "{absent}");
}

#[test]
fn capture_error_names_conversion_or_supported_link_type() {
    let format = |format| FrameReaderError::File(CaptureError::UnsupportedFormat(format));
    let rows = [
        (
            format(UnsupportedFormat::Xz),
            "compressed with xz\nhint: read the file through `xzcat`, with `-` as the name of the file",
        ),
        (
            format(UnsupportedFormat::Bzip2),
            "compressed with bzip2\nhint: read the file through `bzcat`, with `-` as the name of the file",
        ),
        (
            format(UnsupportedFormat::Snoop),
            "unsupported format: snoop\nhint: convert the file: `editcap -F pcapng FILE NEW`",
        ),
        (
            FrameReaderError::LinkType(LinkType(105)),
            "unsupported link type IEEE802_11 (105)\nhint: supported link types: Ethernet, Linux cooked captures, raw IP and loopback",
        ),
        (FrameReaderError::File(CaptureError::Empty), "the file is empty"),
    ];
    for (error, text) in rows {
        assert_eq!(text_of(error), text);
    }
}
