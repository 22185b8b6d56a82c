use super::*;

#[test]
fn unshare_error_kind_follows_errno() {
    assert!(matches!(unshare_error(Errno::ENOSPC), NamespaceError::LimitReached(Errno::ENOSPC)));
    assert!(matches!(unshare_error(Errno::EINVAL), NamespaceError::MultiThreaded));
    let other = unshare_error(Errno::ENOMEM);
    assert!(matches!(other, NamespaceError::Failed { .. }), "{other}");
}

#[test]
fn denied_step_names_apparmor_only_when_it_restricts() {
    let denied = || io::Error::from(Errno::EACCES);
    let inside = step_error("act", denied(), CreationMethod::UserNamespace);
    if restricted_by_apparmor() {
        assert!(matches!(inside, NamespaceError::RestrictedByAppArmor));
    } else {
        assert!(matches!(inside, NamespaceError::Denied { step: "act", .. }), "{inside}");
    }
    let privileged = step_error("act", denied(), CreationMethod::Privilege);
    assert!(matches!(privileged, NamespaceError::NetAdminMissing));
    let failed = step_error("act", Errno::ENOMEM.into(), CreationMethod::Privilege);
    assert!(matches!(failed, NamespaceError::Failed { step: "act", .. }));
}
