use super::*;

const PAGE: &str = r#"<?xml version="1.0"?>
<pdml capture_file="a.pcap">
<packet>
  <proto name="eth" showname="Ethernet &gt; II" size="14" pos="0">
    <field name="eth.type" showname="Type" size="2" pos="12" show="0x0800" value="0800"/>
  </proto>
  <proto name="icmp" size="36" pos="34">
    <field name="icmp.type" size="1" pos="34" show="3" value="03"/>
    <proto name="ip" size="20" pos="42">
      <field name="ip.flags" size="1" pos="48" show="0x02" value="2" unmaskedvalue="40">
        <field name="ip.flags.df" size="1" pos="48" hide="yes" show="a &lt;&amp;&quot;
b" value="1"/>
      </field>
    </proto>
    <field name="icmp.code" size="1" pos="35" show="0" value="00"/>
  </proto>
</packet>

<packet>
</packet>
</pdml>
"#;

#[test]
fn field_belongs_to_its_enclosing_protocol() {
    let mut packets = PdmlReader::new(PAGE.as_bytes());
    let packet = packets.next().unwrap().unwrap();
    let names: Vec<_> = packet
        .protocols
        .iter()
        .map(|protocol| {
            let fields: Vec<_> = protocol.fields.iter().map(|field| field.name.as_str()).collect();
            (protocol.name.as_str(), protocol.position, fields)
        })
        .collect();
    assert_eq!(
        names,
        [
            ("eth", 0, vec!["eth.type"]),
            ("icmp", 34, vec!["icmp.type", "icmp.code"]),
            ("ip", 42, vec!["ip.flags", "ip.flags.df"])
        ]
    );
    assert_eq!(packets.next().unwrap(), Some(PdmlPacket::default()));
    assert_eq!(packets.next().unwrap(), None);
}

#[test]
fn field_keeps_its_position_and_value() {
    let packet = PdmlReader::new(PAGE.as_bytes()).next().unwrap().unwrap();
    let [outer, inner] = &packet.protocols[2].fields[..] else { panic!("{packet:?}") };
    assert!(outer.is_direct && !outer.is_hidden && !inner.is_direct && inner.is_hidden);
    assert_eq!((inner.position, inner.size, inner.show.as_str()), (48, 1, "a <&\"\nb"));
}
