//! Persistent TAPs.

use tap::Device;
use tap::linux::{CreateError, DeleteError, Interface, PersistentTap, Tap, taps};

use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("persistent_tap_is_created_attached_and_deleted", persistent_tap_is_created_attached_and_deleted),
    (
        "second_creation_changes_nothing_while_tap_is_in_use",
        second_creation_changes_nothing_while_tap_is_in_use,
    ),
    ("second_creation_applies_changed_settings", second_creation_applies_changed_settings),
    ("failed_creation_leaves_no_tap", failed_creation_leaves_no_tap),
    ("deletion_fails_when_tap_is_absent", deletion_fails_when_tap_is_absent),
    (
        "mtu_option_limits_frames_but_not_interface_when_tap_exists",
        mtu_option_limits_frames_but_not_interface_when_tap_exists,
    ),
];

fn persistent(name: &str) -> Result<PersistentTap, Box<dyn std::error::Error>> {
    Ok(PersistentTap {
        name: name.parse()?,
        // In the user namespace, only the caller's IDs exist.
        owner: Some(nix::unistd::getuid().as_raw()),
        group: Some(nix::unistd::getegid().as_raw()),
        mtu: Some(1_400),
        address: Some("10.0.1.1/24".parse()?),
    })
}

fn persistent_tap_is_created_attached_and_deleted() -> TestResult {
    let expected = persistent("stay0")?;
    assert_eq!(expected.create()?, expected.name);
    let listed = taps()?.into_iter().find(|tap| tap.name == expected.name).ok_or("TAP is not listed")?;
    assert!(listed.is_tap && listed.persistent && listed.up && !listed.multi_queue && !listed.attached);
    assert_eq!((listed.owner, listed.group, listed.mtu), (expected.owner, expected.group, 1_400));
    assert_eq!(Interface::named(&expected.name)?.address()?, expected.address);

    let tap = Tap::options().attach_only().open("stay0")?;
    assert!(!tap.is_created());
    assert_eq!(tap.capabilities().mtu, 1_400);
    let deleted = PersistentTap::delete(&expected.name);
    assert!(matches!(deleted, Err(DeleteError::Open(_))), "{deleted:?}");
    drop(tap);

    PersistentTap::delete(&expected.name)?;
    assert!(!Interface::named(&expected.name)?.exists());
    Ok(())
}

fn second_creation_changes_nothing_while_tap_is_in_use() -> TestResult {
    let expected = persistent("again0")?;
    expected.create()?;
    let tap = Tap::open("again0")?;
    assert_eq!(expected.create()?, expected.name);
    drop(tap);
    PersistentTap::delete(&expected.name)?;
    Ok(())
}

fn second_creation_applies_changed_settings() -> TestResult {
    let mut expected = persistent("anew0")?;
    expected.create()?;
    expected.mtu = Some(1_300);
    let first = expected.address.replace("10.0.2.1/16".parse()?);
    expected.create()?;
    let interface = Interface::named(&expected.name)?;
    assert_eq!((interface.mtu()?, interface.address()?), (1_300, first));
    assert_eq!(interface.addresses()?.last().copied(), expected.address);
    PersistentTap::delete(&expected.name)?;
    Ok(())
}

fn failed_creation_leaves_no_tap() -> TestResult {
    let expected = PersistentTap { address: Some("224.0.0.1/24".parse()?), ..persistent("half0")? };
    let error = expected.create().err().ok_or("a multicast address was accepted")?;
    assert!(matches!(error, CreateError::Interface(_)), "{error:?}");
    assert!(!Interface::named(&expected.name)?.exists());
    Ok(())
}

fn deletion_fails_when_tap_is_absent() -> TestResult {
    let deleted = PersistentTap::delete(&"absent0".parse()?);
    assert!(matches!(deleted, Err(DeleteError::Absent(_))));
    Ok(())
}

fn mtu_option_limits_frames_but_not_interface_when_tap_exists() -> TestResult {
    let expected = persistent("limit0")?;
    expected.create()?;
    let tap = Tap::options().mtu(500).open("limit0")?;
    assert_eq!((tap.capabilities().mtu, tap.interface().mtu()?), (500, 1_400));
    drop(tap);
    PersistentTap::delete(&expected.name)?;
    Ok(())
}
