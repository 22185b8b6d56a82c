use super::*;

#[test]
fn refused_unshare_names_its_cause() {
    assert!(matches!(NamespaceError::of_unshare(Errno::ENOSPC), NamespaceError::LimitReached(Errno::ENOSPC)));
    assert!(matches!(NamespaceError::of_unshare(Errno::EINVAL), NamespaceError::Threaded));
    let other = NamespaceError::of_unshare(Errno::ENOMEM);
    assert!(matches!(other, NamespaceError::Failed { .. }), "{other}");
}

#[test]
fn refused_namespace_names_a_command_only_when_one_fixes_it() {
    let text = |hint| NamespaceError::Forbidden { source: Errno::EPERM, hint }.to_string();
    assert!(text(Some("sudo act")).ends_with("(Operation not permitted); `sudo act`"));
    assert!(text(None).ends_with("(Operation not permitted); only root can make one"));
    assert!(!NamespaceError::NetAdminMissing.to_string().contains("sudo"));
}

#[test]
fn refused_step_names_apparmor_only_when_it_restricts() {
    let denied = || io::Error::from(Errno::EACCES);
    let inside = NamespaceError::of_step("act", denied(), Way::UserNamespace);
    if restricted_by_apparmor() {
        assert!(matches!(inside, NamespaceError::Withheld));
    } else {
        let text = inside.to_string();
        assert_eq!(
            text,
            "cannot make a network namespace: cannot act: Permission denied, a security module or the container forbids it"
        );
    }
    let privileged = NamespaceError::of_step("act", denied(), Way::Privilege);
    assert!(matches!(privileged, NamespaceError::NetAdminMissing));
    assert!(!privileged.to_string().contains("apparmor"));
    let failed = NamespaceError::of_step("act", Errno::ENOMEM.into(), Way::Privilege);
    assert!(matches!(failed, NamespaceError::Failed { step: "act", .. }));
}

#[test]
fn reached_limit_says_so() {
    let text = NamespaceError::LimitReached(Errno::ENOSPC).to_string();
    assert!(text.contains("limit reached") && text.contains("user.max_user_namespaces"), "{text}");
}
