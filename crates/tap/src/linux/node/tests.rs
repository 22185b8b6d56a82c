use super::*;

#[test]
fn absent_node_is_distinguished_from_refused_node_by_errno() {
    let error = |errno: Errno| open_error(errno.into());
    assert!(matches!(error(Errno::ENOENT), OpenError::NoNode(_)));
    assert!(matches!(error(Errno::ENODEV), OpenError::NoNode(_)));
    assert!(matches!(error(Errno::EACCES), OpenError::NodeRefused(_)));
    assert!(matches!(error(Errno::EMFILE), OpenError::Failed { .. }));
}
