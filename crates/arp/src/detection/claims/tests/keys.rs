//! Keys of claims: probe times reveal nothing about other keys.

use super::*;
use crate::constants::PROBE_WAIT;
use base::Random;

// proves: key-separation
#[test]
fn claim_delays_depend_on_separate_keys() {
    for seed in 0..100 {
        let mut config = ArpConfig::default();
        config.table.seed = seed;
        let mut arp = Segment::new(config);
        let other = Identity { ip: PEER, mac: PEER_MAC };
        for identity in [IDENTITY, other] {
            arp.claim(at(0), identity, StartMode::Probe).unwrap();
        }
        let waits: Vec<_> =
            [LOCAL, PEER].iter().map(|ip| arp.claims.active[ip].at.unwrap().since(at(0))).collect();
        assert_ne!(waits[0], waits[1]);
        // The keys of the index and of the REACHABLE time, and the output of a generator seeded with the seed itself.
        let secret = Secret::new(seed);
        let others =
            [secret.key("neighbor index"), secret.key("reachable time"), u64::try_from(seed).unwrap()];
        for key in others {
            let mut random = Random::new(key);
            let drawn = random.draw();
            for key in [key, drawn] {
                assert!(!waits.contains(&Random::new(key).between(Duration::ZERO, PROBE_WAIT)), "{seed}");
            }
        }
    }
}
