use super::*;

fn name() -> InterfaceName {
    "eth0".parse().unwrap()
}

fn of_socket(errno: Errno) -> SocketError {
    SocketError::of_socket(&name(), errno.into())
}

#[test]
fn socket_error_kind_follows_errno() {
    use SocketError::{Absent, Failed, NotPermitted};
    assert!(matches!(of_socket(Errno::EPERM), NotPermitted(_)));
    assert!(matches!(of_socket(Errno::ENODEV), Absent(_)));
    assert!(matches!(of_socket(Errno::EMFILE), Failed { .. }));
}
