//! Whether all say the same, before anything is counted or timed.

use arp::PacketFields;

use crate::contenders::{ALL, Contender, Work};
use crate::frames::{ANSWER, PACKET, ParseDepth, REPLY, mixed};

/// What a contender was compared on, or how it differed.
pub(crate) type Compared = Result<String, String>;

/// Compares every contender with the first of its work, the cast.
pub(crate) fn all() -> Vec<(&'static Contender, Compared)> {
    ALL.iter().map(|contender| (contender, compare(contender))).collect()
}

fn compare(contender: &Contender) -> Compared {
    match contender.work {
        Work::Read(depth, read) => reads(depth, read),
        Work::Build(build) => writes(|bytes| build(&REPLY, bytes)),
        Work::Rewrite(rewrite) => writes(|bytes| rewrite(ANSWER, bytes)),
    }
}

/// Reads all frames within the reader's reach.
fn reads(depth: ParseDepth, read: fn(&[u8]) -> Option<PacketFields>) -> Compared {
    let Some(Work::Read(_, cast)) = ALL.first().map(|contender| contender.work) else {
        return Err("the first contender is the cast".into());
    };
    let (mut compared, mut packets) = (0, 0);
    for (needed, frame) in mixed().into_iter().filter(|(needed, _)| *needed <= depth) {
        let (expected, found) = (cast(&frame), read(&frame));
        if found != expected {
            return Err(format!("{needed:?} {frame:02x?}: {found:?} and not {expected:?}"));
        }
        compared += 1;
        packets += usize::from(found.is_some());
    }
    let beyond = match depth {
        ParseDepth::Plain => "none with tags or SNAP, which it does not read by itself",
        ParseDepth::Tagged => "none with SNAP, a reserved VLAN or a third tag, of which it thinks otherwise",
        ParseDepth::Any => "of all kinds",
    };
    Ok(format!("{compared} frames, {packets} of them with a packet; {beyond}"))
}

/// Makes the reply, over a request and with octets to spare, and in too little room.
fn writes(write: impl Fn(&mut [u8]) -> Option<()>) -> Compared {
    let mut expected = [0xee; PacketFields::LENGTH + 4];
    REPLY.write_to(&mut expected).map_err(|reason| reason.to_string())?;
    let mut found = [0xee; PacketFields::LENGTH + 4];
    found[..PacketFields::LENGTH].copy_from_slice(&PACKET);
    write(&mut found).ok_or("refuses to write a reply")?;
    if found != expected {
        return Err(format!("{found:02x?} and not {expected:02x?}"));
    }
    Ok("a reply, octet by octet".into())
}
