use std::mem::offset_of;

use super::LinuxTcpInfo;

#[test]
fn fields_have_the_offsets_of_linux() {
    // The offsets in include/uapi/linux/tcp.h.
    assert_eq!(offset_of!(LinuxTcpInfo, rto), 8);
    assert_eq!(offset_of!(LinuxTcpInfo, unacked), 24);
    assert_eq!(offset_of!(LinuxTcpInfo, rtt), 68);
    assert_eq!(offset_of!(LinuxTcpInfo, snd_ssthresh), 76);
    assert_eq!(offset_of!(LinuxTcpInfo, snd_cwnd), 80);
    assert_eq!(offset_of!(LinuxTcpInfo, total_retrans), 100);
    assert_eq!(offset_of!(LinuxTcpInfo, pacing_rate), 104);
    assert_eq!(offset_of!(LinuxTcpInfo, delivery_rate), 160);
    assert_eq!(offset_of!(LinuxTcpInfo, delivered), 192);
    assert_eq!(offset_of!(LinuxTcpInfo, snd_wnd), 228);
}

#[test]
fn struct_has_the_length_of_packetdrill() {
    // packetdrill ends if the kernel returns fewer bytes than its struct has.
    assert_eq!(size_of::<LinuxTcpInfo>(), 280);
}
