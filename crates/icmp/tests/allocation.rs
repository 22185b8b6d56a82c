//! Received messages, echo replies and errors cause no allocation.

use std::error::Error;

use icmp::{
    AddressTable, DestinationKind, Echo, Icmp, IcmpConfig, IcmpError, IcmpType, Instant, MacAddr,
    ReceivedMessage, reply_in_place,
};
use inet::IpProtocol;
use ipv4::Ipv4Fields;

#[test]
fn echo_replies_and_errors_allocate_nothing() -> Result<(), Box<dyn Error>> {
    let table = AddressTable::one("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2]))?;
    let mut icmp = Icmp::new(&IcmpConfig::default());
    let mut request = [0; 64];
    Echo { identifier: 1, sequence: 2, data: &[7; 56] }.write_to(IcmpType::ECHO_REQUEST, &mut request)?;
    let mut about = [0; 28];
    let (mut answered, mut errors_written, mut error) = (0, 0, [0; IcmpError::MAX_LENGTH]);
    let allocated = allocation_counter::measure(|| {
        for last in 0..=255_u8 {
            let mut message = request;
            let received = icmp.receive(&table, DestinationKind::Unicast, &message);
            if matches!(received, Ok(ReceivedMessage::Request(_))) && reply_in_place(&mut message).is_ok() {
                answered += 1;
            }
            let fields = Ipv4Fields::new(IpProtocol::UDP, [192, 0, 2, last].into(), [10, 0, 0, 2].into());
            let _ = fields.write_to(&mut about);
            let written = icmp.write_error(
                Instant::from_nanos(u64::from(last) * 1_000_000),
                IcmpError::PORT_UNREACHABLE,
                &about,
                DestinationKind::Unicast,
                &table,
                &mut error,
            );
            errors_written += u32::from(written.is_ok());
        }
    });
    assert_eq!((answered, errors_written), (256, 256));
    assert_eq!(allocated.count_total, 0);
    Ok(())
}
