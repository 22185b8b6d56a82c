use super::*;
use line::{VendorLine, read as read_line};

fn vendors(text: &str) -> Vendors {
    let mut vendors = Vendors::default();
    vendors.add(text.as_bytes());
    vendors
}

fn name(vendors: &Vendors, address: &str) -> Option<String> {
    vendors.name(address.parse().unwrap()).map(str::to_owned)
}

fn entry(prefix: u64, length: u32, name: &str) -> VendorLine {
    VendorLine::Entry((prefix, length), name.into())
}

#[test]
fn vendor_file_formats_parse_to_same_entry() {
    let iana = || entry(0x0000_5e00_0000, 24, "IANA");
    for line in [
        "00005E\tIANA",
        "00005e IANA",
        "00:00:5E\tIANA\r",
        "00-00-5E   (hex)\t\tIANA",
        "00:00:5E\tIana\tIANA",
        "00:00:5E:00:00:00/24\tIana\tIANA",
        "00:00:5E\tIANA\t# the registry itself",
        "MA-L,00005E,IANA,12025 Waterfront Drive",
        "MA-L,00005E,\"IANA\",\"12025 Waterfront Drive, Los Angeles\"",
    ] {
        assert_eq!(read_line(line), iana(), "{line:?}");
    }
    assert_eq!(
        read_line("00:1B:C5:00:10:00/36\tShort\tThe Name, Inc."),
        entry(0x001b_c500_1000, 36, "The Name, Inc.")
    );
    assert_eq!(
        read_line("MA-S,70B3D5001,\"A, B \"\"C\"\" GmbH\",x"),
        entry(0x70b3_d500_1000, 36, "A, B \"C\" GmbH")
    );
    assert_eq!(read_line("02:bf\tMicrosoft WLBS"), entry(0x02bf_0000_0000, 16, "Microsoft WLBS"));
    assert_eq!(read_line("ff:ff:ff:ff:ff:ff\tBroadcast"), entry(0xffff_ffff_ffff, 48, "Broadcast"));
}

#[test]
fn vendor_headings_comments_and_addresses_are_ignored() {
    for line in [
        "",
        "\r",
        "# 00005E\tIANA",
        "\t\t\t\tLos Angeles CA 90094",
        "00005E     (base 16)\t\tIANA",
        "OUI/MA-L                    Organization",
        "Registry,Assignment,Organization Name,Organization Address",
    ] {
        assert_eq!(read_line(line), VendorLine::Other, "{line:?}");
    }
}

#[test]
fn invalid_vendor_lines_are_counted() {
    let text = "00005E\tIANA\nIANA\n0000ZZ\tX\n0\tX\n00005E000000000\tX\n00005E/40\tX\n00005E/x\tX\n00005E\t\nMA-L,00005E\nÄÖ\tX\n";
    let vendors = vendors(text);
    assert_eq!((vendors.invalid_lines(), vendors.names.len()), (9, 1));
}

#[test]
fn vendor_of_longest_prefix_wins() {
    let vendors = vendors("70B3D5\tIEEE\n70B3D5001\tSmall\n70B3D50\tMedium\n52:54:00\tQEMU\n");
    let rows = [
        ("70:b3:d5:00:1f:ff", Some("Small")),
        ("70:b3:d5:00:2f:ff", Some("Medium")),
        ("70:b3:d5:1f:ff:ff", Some("IEEE")),
        ("52:54:00:12:34:56", Some("QEMU")),
        ("70:b3:d6:00:10:00", None),
    ];
    for (address, expected) in rows {
        assert_eq!(name(&vendors, address).as_deref(), expected, "{address}");
    }
    assert_eq!(Vendors::default().name(MacAddr::BROADCAST), None);
}

#[test]
fn control_characters_are_removed_from_vendor_name() {
    assert_eq!(read_line("00005E\t\u{1b}[31mIANA\u{7}"), entry(0x0000_5e00_0000, 24, "[31mIANA"));
    let mut vendors = Vendors::default();
    vendors.add(b"00005E\tI\xffNA\n");
    assert_eq!(name(&vendors, "00:00:5e:00:00:01").as_deref(), Some("I\u{fffd}NA"));
}

#[test]
fn vendor_file_is_rejected_when_empty_or_absent() {
    assert!(Vendors::from_file(Path::new("/dev/null")).is_err());
    assert!(Vendors::from_file(Path::new("/nonexistent")).is_err());
}
