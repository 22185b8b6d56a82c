use super::*;
use crate::pdml::PdmlReader;

const LOCAL: &str = r#"{"number":1,"time_ns":1700000000000000005,"bytes":60,"captured_bytes":60,"direction":"in","comment":null,
    "ethernet":{"offset":0,"destination":"02:00:00:00:00:02","source":"02:00:00:00:00:01","type_or_length":2048},
    "tags":[],
    "ipv4":{"offset":14,"version":4,"header_length":5,"fragment_offset":3,"checksum":9951,"options":""},
    "faults":[]}"#;

const PEER: &str = r#"<packet>
<proto name="frame" size="60" pos="0">
  <field name="frame.time_epoch" size="0" pos="0" show="1700000000.000000005"/>
  <field name="frame.number" size="0" pos="0" show="1"/>
  <field name="frame.len" size="0" pos="0" show="60"/>
  <field name="frame.cap_len" size="0" pos="0" show="60"/>
  <field name="frame.packet_flags_direction" size="0" pos="0" show="0x00000001"/>
</proto>
<proto name="eth" size="14" pos="0">
  <field name="eth.dst" size="6" pos="0" show="02:00:00:00:00:02" value="020000000002">
    <field name="eth.dst.lg" size="3" pos="0" show="1" value="1"/>
  </field>
  <field name="eth.src" size="6" pos="6" show="02:00:00:00:00:01" value="020000000001"/>
  <field name="eth.type" size="2" pos="12" show="0x0800" value="0800"/>
</proto>
<proto name="ip" size="20" pos="14">
  <field name="ip.version" size="1" pos="14" show="4" value="45"/>
  <field name="ip.hdr_len" size="1" pos="14" show="20" value="45"/>
  <field name="ip.frag_offset" size="2" pos="20" show="24" value="3" unmaskedvalue="0003"/>
  <field name="ip.checksum" size="2" pos="24" show="0x26df" value="26df"/>
  <field name="ip.checksum.status" size="0" pos="24" show="1"/>
  <field name="ip.checksum_calculated" size="2" pos="24" show="0x26df" value="26df"/>
</proto>
</packet>"#;

/// Name of a field, with the values of tapstack and of tshark.
type Values = (String, Option<String>, Option<String>);

/// Returns the fields with different values, and the number of compared values.
fn differences(tapstack: &str, reference: &str) -> (usize, Vec<Values>) {
    let frame = Frame::parse(tapstack).unwrap();
    let packet = PdmlReader::new(reference.as_bytes()).next().unwrap().unwrap();
    let (mut count, mut differences) = (0, Vec::new());
    compare(&frame, &packet, &mut |compared| {
        count += 1;
        if compared.tapstack != compared.reference {
            differences.push((
                format!("{}.{}", compared.header, compared.field),
                compared.tapstack,
                compared.reference,
            ));
        }
    });
    (count, differences)
}

fn values(field: &str, tapstack: Option<&str>, reference: Option<&str>) -> Values {
    (field.to_owned(), tapstack.map(str::to_owned), reference.map(str::to_owned))
}

#[test]
fn same_value_is_equal_in_both_notations() {
    assert_eq!(differences(LOCAL, PEER), (14, Vec::new()));
}

#[test]
fn wrong_value_differs_in_every_header() {
    let changes = [
        ("\"number\":1", "\"number\":2", "frame.number"),
        ("0005,\"bytes\"", "0006,\"bytes\"", "frame.time_ns"),
        ("\"direction\":\"in\"", "\"direction\":\"out\"", "frame.direction"),
        ("00:02\"", "00:03\"", "ethernet.destination"),
        (":2048}", ":2049}", "ethernet.type_or_length"),
        ("\"header_length\":5", "\"header_length\":6", "ipv4.header_length"),
        ("\"fragment_offset\":3", "\"fragment_offset\":24", "ipv4.fragment_offset"),
        ("\"options\":\"\"", "\"options\":\"00\"", "ipv4.options"),
        ("\"faults\":[]", "\"faults\":[{\"header\":\"ipv4\",\"field\":\"checksum\"}]", "ipv4.verdict"),
    ];
    for (from, to, field) in changes {
        let (_, differences) = differences(&LOCAL.replacen(from, to, 1), PEER);
        assert_eq!(differences.len(), 1, "{field}: {differences:?}");
        assert_eq!(differences[0].0, field);
    }
}

#[test]
fn field_of_only_one_program_is_reported() {
    let without = PEER.replace("ip.version", "ip.other");
    let (_, found) = differences(LOCAL, &without);
    assert_eq!(
        found,
        [values("ipv4.version", Some("4"), None)],
        "difference in a byte that another field covers"
    );
    let padding = "<field name=\"eth.padding\" size=\"4\" pos=\"56\" show=\"00:00\" value=\"0000\"/>\n</proto>\n<proto name=\"ip\"";
    let (_, found) = differences(LOCAL, &PEER.replace("</proto>\n<proto name=\"ip\"", padding));
    assert_eq!(found, [values("ethernet.eth.padding", None, Some("00:00"))]);
}

#[test]
fn header_at_another_offset_is_another_header() {
    let (_, found) = differences(
        LOCAL,
        &PEER.replace("name=\"ip\" size=\"20\" pos=\"14\"", "name=\"ip\" size=\"20\" pos=\"18\""),
    );
    assert!(found.contains(&values("ipv4.version", Some("4"), None)), "{found:?}");
    assert!(found.contains(&values("ipv4.ip.version", None, Some("4"))), "{found:?}");
}

#[test]
fn direction_0_is_unknown() {
    let tapstack = LOCAL.replace(r#""direction":"in""#, r#""direction":null"#);
    let reference = PEER.replace("0x00000001", "0x00000000");
    let (_, unknown) = differences(&tapstack, &reference);
    let (_, known) = differences(&tapstack, PEER);
    assert!(!unknown.iter().any(|(field, ..)| field == "frame.direction"), "{unknown:?}");
    assert!(known.contains(&values("frame.direction", None, Some("in"))), "{known:?}");
}

#[test]
fn warning_is_not_header() {
    let tapstack = LOCAL.replace("\"faults\":[]", r#""faults":[],"warnings":[{"header":"arp","field":"x"}]"#);
    assert_eq!(differences(&tapstack, PEER), differences(LOCAL, PEER));
}
