//! The kernel's side of an interface, by ioctl.

use std::net::Ipv4Addr;

use tap::linux::{Interface, Tap};

use crate::harness::lab::{kernel_sends, receive};
use crate::harness::{Case, Outcome};

pub(crate) const CASES: &[Case] = &[
    ("what_is_set_is_read_back", what_is_set_is_read_back),
    ("the_mask_is_the_prefixes_not_the_classes", the_mask_is_the_prefixes),
    ("a_route_leads_to_the_wire", a_route_leads_to_the_wire),
    ("what_does_not_exist_says_so", what_does_not_exist_says_so),
    ("ipv6_is_off_inside", ipv6_is_off_inside),
];

fn what_is_set_is_read_back() -> Outcome {
    let tap = Tap::open("tap%d")?;
    let side = tap.interface();
    assert!(!side.is_up()?);
    side.set_up(true)?;
    assert!(side.is_up()?);
    side.set_up(false)?;
    assert!(!side.is_up()?);
    side.set_mtu(9_000)?;
    assert_eq!(side.mtu()?, 9_000);
    side.set_hardware_address([2, 1, 2, 3, 4, 5])?;
    assert_eq!(side.hardware_address()?, [2, 1, 2, 3, 4, 5]);
    Ok(())
}

fn the_mask_is_the_prefixes() -> Outcome {
    let tap = Tap::open("tap%d")?;
    assert_eq!(tap.interface().address()?, None);
    let address = "10.0.0.1/24".parse()?;
    tap.interface().set_address(address)?;
    assert_eq!(tap.interface().address()?, Some(address));
    Ok(())
}

fn a_route_leads_to_the_wire() -> Outcome {
    let mut tap = Tap::open("tap%d")?;
    tap.interface().set_address("10.0.0.1/24".parse()?)?;
    tap.interface().set_up(true)?;
    tap.interface().add_route("192.0.2.0/24".parse()?, None)?;
    tap.interface().add_route("198.51.100.0/24".parse()?, Some(Ipv4Addr::new(10, 0, 0, 9)))?;

    // Without a gateway the kernel asks for the destination, with one for the gateway.
    for (destination, asked) in [([192, 0, 2, 7], [192, 0, 2, 7]), ([198, 51, 100, 7], [10, 0, 0, 9])] {
        kernel_sends(destination.into(), b"hello")?;
        receive(&mut tap, |octets| octets.ends_with(&asked))?;
    }
    Ok(())
}

fn what_does_not_exist_says_so() -> Outcome {
    let absent = Interface::named(&"absent0".parse()?)?;
    assert!(!absent.exists());
    let error = absent.set_up(true).err().ok_or("it does not exist")?;
    assert!(error.to_string().contains("absent0") && error.to_string().contains("`ip link`"), "{error}");
    Ok(())
}

fn ipv6_is_off_inside() -> Outcome {
    let setting = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    if std::path::Path::new(setting).exists() {
        assert_eq!(std::fs::read_to_string(setting)?.trim(), "1");
    }
    Ok(())
}
