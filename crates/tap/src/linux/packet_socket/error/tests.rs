use super::*;

fn name() -> InterfaceName {
    "eth0".parse().unwrap()
}

fn of_socket(errno: Errno) -> SocketError {
    SocketError::of_socket(&name(), errno.into())
}

#[test]
fn what_the_system_refuses_has_a_reason_of_its_own() {
    use SocketError::{Absent, Failed, NotPermitted, NotPermittedInContainer};
    assert!(matches!(of_socket(Errno::EPERM), NotPermitted(_) | NotPermittedInContainer(_)));
    assert!(matches!(of_socket(Errno::ENODEV), Absent(_)));
    assert!(matches!(of_socket(Errno::EMFILE), Failed { .. }));
}

#[test]
fn every_message_is_one_sentence_with_a_command_to_paste() {
    let errors = [
        (SocketError::Absent(name()), "`ip link`"),
        (SocketError::NotPermitted(name()), "take CAP_NET_RAW; `sudo setcap cap_net_raw+ep /"),
        (SocketError::NotPermittedInContainer(name()), "without CAP_NET_RAW; `docker run --cap-add NET_RAW"),
        (SocketError::Down(name()), "`sudo ip link set eth0 up`"),
        (SocketError::NotEthernet(name()), "`ip -brief link`"),
    ];
    for (error, part) in errors {
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
        assert!(!text.contains('\n') && text.matches('`').count() == 2, "{text}");
    }
}
