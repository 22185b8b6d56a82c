//! Checks that all contenders agree, before instructions are counted or times are measured.

use arp::PacketFields;

use crate::contenders::{ALL, Contender, Work};
use crate::frames::{ANSWER, PACKET, ParseDepth, REPLY, mixed};

/// Description of the comparison, or of the first difference.
pub(crate) type Compared = Result<String, String>;

/// Compares each contender with the cast, which is the first contender of each kind of work.
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

/// Reads all frames within the parse depth of the reader.
fn reads(depth: ParseDepth, read: fn(&[u8]) -> Option<PacketFields>) -> Compared {
    let Some(Work::Read(_, cast)) = ALL.first().map(|contender| contender.work) else {
        return Err("the first reader is not the cast".into());
    };
    let (mut compared, mut packets) = (0, 0);
    for (needed, frame) in mixed().into_iter().filter(|(needed, _)| *needed <= depth) {
        let (expected, found) = (cast(&frame), read(&frame));
        if found != expected {
            return Err(format!(
                "frame of depth {needed:?}, {frame:02x?}: got {found:?}, expected {expected:?}"
            ));
        }
        compared += 1;
        packets += usize::from(found.is_some());
    }
    let beyond = match depth {
        ParseDepth::Plain => "without tags and SNAP, which the reader does not parse",
        ParseDepth::Tagged => {
            "without SNAP, the reserved VLAN ID and three tags, which the reader parses differently"
        }
        ParseDepth::Any => "of all kinds",
    };
    Ok(format!("{compared} frames, {packets} of them with a packet; {beyond}"))
}

/// Builds the reply: over a request, in a longer buffer, and in a buffer that is too short.
fn writes(write: impl Fn(&mut [u8]) -> Option<()>) -> Compared {
    let mut expected = [0xee; PacketFields::LENGTH + 4];
    REPLY.write_to(&mut expected).map_err(|reason| reason.to_string())?;
    let mut found = [0xee; PacketFields::LENGTH + 4];
    found[..PacketFields::LENGTH].copy_from_slice(&PACKET);
    write(&mut found).ok_or("no reply written")?;
    if found != expected {
        return Err(format!("got {found:02x?}, expected {expected:02x?}"));
    }
    Ok("a reply, byte by byte".into())
}
