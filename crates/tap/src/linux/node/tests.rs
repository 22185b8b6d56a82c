use super::*;

#[test]
fn absent_node_is_distinguished_from_refused_node_by_errno() {
    let of_node = |errno: Errno| open_error(errno.into());
    assert!(matches!(of_node(Errno::ENOENT), OpenError::NoNode(_)));
    assert!(matches!(of_node(Errno::ENODEV), OpenError::NoNode(_)));
    assert!(matches!(of_node(Errno::EACCES), OpenError::NodeRefused(_)));
    assert!(matches!(of_node(Errno::EMFILE), OpenError::Failed { .. }));
}
