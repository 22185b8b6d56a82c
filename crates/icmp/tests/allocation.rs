//! Receiving, answering and reporting allocate nothing.

use std::error::Error;

use icmp::{Addresses, Cast, Config, Echo, Icmp, Instant, Kind, Problem, Received, answer_over};
use inet::IpProtocol;
use ipv4::Fields;

#[test]
fn neither_echo_nor_errors_allocate() -> Result<(), Box<dyn Error>> {
    let addresses = Addresses::one("10.0.0.2/24".parse()?);
    let mut icmp = Icmp::new(&Config::default());
    let mut request = [0; 64];
    Echo { identifier: 1, sequence: 2, data: &[7; 56] }.write_to(Kind::ECHO_REQUEST, &mut request)?;
    let mut about = [0; 28];
    let (mut answered, mut reported, mut error) = (0, 0, [0; Problem::LONGEST]);
    let allocated = allocation_counter::measure(|| {
        for last in 0..=255_u8 {
            let mut message = request;
            let received = icmp.receive(&addresses, Cast::Unicast, &message);
            if matches!(received, Ok(Received::Request(_))) && answer_over(&mut message).is_ok() {
                answered += 1;
            }
            let fields = Fields::new(IpProtocol::UDP, [192, 0, 2, last].into(), [10, 0, 0, 2].into());
            let _ = fields.write_to(&mut about);
            let written = icmp.error(
                Instant::from_nanos(u64::from(last) * 1_000_000),
                Problem::PORT_UNREACHABLE,
                &about,
                Cast::Unicast,
                &addresses,
                &mut error,
            );
            reported += u32::from(written.is_ok());
        }
    });
    assert_eq!((answered, reported), (256, 256));
    assert_eq!(allocated.count_total, 0);
    Ok(())
}
