use std::time::Duration;

use tcp::{BufferSize, CongestionControl, Ecn, TcpSettings};

use super::settings;

#[test]
fn sysctls_change_settings() {
    let read = settings(|name| {
        let text = match name {
            "tcp_timestamps" | "tcp_sack" => "0\n",
            "tcp_window_scaling" | "tcp_ecn" => "1\n",
            "tcp_rmem" => "4096\t540000\t15728640\n",
            "tcp_wmem" => "4096\t262144\t4194304\n",
            "tcp_fin_timeout" => "5\n",
            "tcp_congestion_control" => "reno\n",
            _ => return None,
        };
        Some(text.to_owned())
    });
    assert!(!read.timestamps && !read.sack && read.window_scaling, "switches ignored: {read:?}");
    assert_eq!(read.receive_buffer, BufferSize { initial: 540_000, maximum: 15_728_640 });
    assert_eq!(read.send_buffer, BufferSize { initial: 262_144, maximum: 4_194_304 });
    assert_eq!(read.fin_wait_2, Duration::from_secs(5));
    assert_eq!((read.congestion, read.ecn), (CongestionControl::NewReno, Ecn::Ask));
}

#[test]
fn missing_sysctls_leave_defaults() {
    let expected = TcpSettings { maximum_segment_size: Some(1_460), ..TcpSettings::default() };
    assert_eq!(settings(|_| None), expected);
}
