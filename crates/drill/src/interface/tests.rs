use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Mutex, MutexGuard, PoisonError};

use libc::{cmsghdr, sockaddr_in};
use tap::Checksum;
use tcp::{Flags, Options, Segment, SegmentFields, SequenceNumber};

use super::*;

const LOCAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 0, 1), 8_080);
const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 40_000);
/// Initial sequence number of the peer.
const INITIAL: u32 = 1_000;

/// The functions of the library, called as packetdrill calls them. One test at a time uses the library, because it has
/// one host.
struct Caller {
    functions: Interface,
    _turn: MutexGuard<'static, ()>,
}

impl Caller {
    fn start() -> Caller {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut interface = MaybeUninit::uninit();
        // SAFETY: the pointer is valid for writing, and the call has initialized the struct when it returns.
        let functions = unsafe {
            packetdrill_interface_init(ptr::null(), interface.as_mut_ptr());
            interface.assume_init()
        };
        Caller { functions, _turn: turn }
    }

    /// Creates a listener that does not block.
    fn listen(&self) -> c_int {
        let listener = self.bound();
        // SAFETY: the call has no pointers.
        assert_eq!(unsafe { (self.functions.listen)(ptr::null_mut(), listener, 1) }, 0);
        listener
    }

    /// Creates a socket with the local address that does not block.
    fn bound(&self) -> c_int {
        let functions = &self.functions;
        let address = address_of(LOCAL);
        let flags = c_long::from(libc::O_NONBLOCK);
        // SAFETY: the address is valid for its length.
        unsafe {
            let socket =
                (functions.socket)(ptr::null_mut(), libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP);
            let (address, length) = ((&raw const address).cast(), address_length());
            assert_eq!((functions.bind)(ptr::null_mut(), socket, address, length), 0);
            assert_eq!((functions.fcntl)(ptr::null_mut(), socket, libc::F_SETFL, flags), 0);
            socket
        }
    }

    /// Opens a connection from a socket to the peer.
    fn connect(&self, socket: c_int) {
        let address = address_of(PEER);
        // SAFETY: the address is valid for its length.
        let result = unsafe {
            (self.functions.connect)(ptr::null_mut(), socket, (&raw const address).cast(), address_length())
        };
        assert_eq!(result, -1, "the call does not return before the handshake");
        let (syn, _, _) = self.sent();
        assert_eq!(syn.flags, Flags::SYN, "unexpected segment {syn:?}");
        self.inject(Flags::SYN | Flags::ACK, INITIAL, syn.sequence.plus(1).value(), b"");
        let (ack, _, _) = self.sent();
        assert_eq!(ack.flags, Flags::ACK, "unexpected segment {ack:?}");
    }

    /// Opens a connection from the peer to a listener. Returns the next sequence number of the host.
    fn open(&self) -> u32 {
        self.inject(Flags::SYN, INITIAL, 0, b"");
        let (syn_ack, _, _) = self.sent();
        assert_eq!(syn_ack.flags, Flags::SYN | Flags::ACK, "unexpected segment {syn_ack:?}");
        let next = syn_ack.sequence.plus(1).value();
        self.inject(Flags::ACK, INITIAL + 1, next, b"");
        next
    }

    fn inject(&self, flags: Flags, sequence: u32, acknowledgment: u32, data: &[u8]) {
        let packet = packet(flags, sequence, acknowledgment, data);
        // SAFETY: the pointer is valid for the length.
        let result =
            unsafe { (self.functions.netdev_send)(ptr::null_mut(), packet.as_ptr().cast(), packet.len()) };
        assert_eq!(result, 0, "the packet was refused");
    }

    /// Returns the next segment that the host sends, its data, and its time in microseconds.
    fn sent(&self) -> (Segment, Vec<u8>, i64) {
        let (mut buffer, mut count, mut time) = (vec![0; 4_096], 4_096, 0);
        // SAFETY: the pointers are valid, and the count is the length of the buffer.
        let result = unsafe {
            (self.functions.netdev_receive)(
                ptr::null_mut(),
                buffer.as_mut_ptr().cast(),
                &raw mut count,
                &raw mut time,
            )
        };
        assert_eq!(result, 0, "the call failed");
        let segment = buffer.get(20..count).expect("a packet should leave the host");
        let parsed = Segment::parse(segment, (*LOCAL.ip(), *PEER.ip()), Checksum::None);
        let parsed = parsed.expect("the segment should be valid");
        (parsed, segment[parsed.header_length..].to_vec(), time)
    }

    fn accept(&self, listener: c_int) -> (c_int, SocketAddrV4) {
        let mut address = MaybeUninit::<sockaddr_in>::zeroed();
        let mut length = address_length();
        // SAFETY: the pointers are valid for an address of this length, which is zero or written by the call.
        unsafe {
            let new = (self.functions.accept)(
                ptr::null_mut(),
                listener,
                address.as_mut_ptr().cast(),
                &raw mut length,
            );
            (new, read_address(address.as_ptr().cast(), length).unwrap_or(LOCAL))
        }
    }

    fn read(&self, descriptor: c_int, buffer: &mut [u8]) -> ssize_t {
        // SAFETY: the pointer is valid for the length.
        unsafe {
            (self.functions.read)(ptr::null_mut(), descriptor, buffer.as_mut_ptr().cast(), buffer.len())
        }
    }

    /// Sets a TCP option.
    fn set_option(&self, descriptor: c_int, name: c_int, value: c_int) -> c_int {
        let (value, length) = (value.to_ne_bytes(), 4);
        // SAFETY: the value is valid for its length.
        unsafe {
            let value = value.as_ptr().cast();
            (self.functions.setsockopt)(ptr::null_mut(), descriptor, libc::IPPROTO_TCP, name, value, length)
        }
    }

    fn send(&self, descriptor: c_int, data: &[u8], flags: c_int) -> ssize_t {
        // SAFETY: the pointer is valid for the length.
        unsafe { (self.functions.send)(ptr::null_mut(), descriptor, data.as_ptr().cast(), data.len(), flags) }
    }
}

fn address_of(address: SocketAddrV4) -> sockaddr_in {
    sockaddr_in {
        sin_family: u16::try_from(libc::AF_INET).expect("the family should fit"),
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
        sin_zero: [0; 8],
    }
}

fn address_length() -> socklen_t {
    socklen_t::try_from(size_of::<sockaddr_in>()).expect("the length should fit")
}

/// Returns an IP packet from the peer with a segment.
fn packet(flags: Flags, sequence: u32, acknowledgment: u32, data: &[u8]) -> Vec<u8> {
    let fields = SegmentFields {
        source: PEER,
        destination: LOCAL,
        sequence: SequenceNumber::new(sequence),
        acknowledgment: SequenceNumber::new(acknowledgment),
        flags,
        window: 65_535,
        urgent_pointer: 0,
        options: Options::NONE,
    };
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0];
    packet.extend(PEER.ip().octets());
    packet.extend(LOCAL.ip().octets());
    packet.resize(20 + fields.header_length(), 0);
    packet.extend(data);
    let length = u16::try_from(packet.len()).expect("the packet should be short");
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    let mut sum: u32 = packet[..20].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    sum = (sum & 0xffff) + (sum >> 16);
    let checksum = u16::try_from(sum ^ 0xffff).expect("the sum was folded");
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    fields.write_to(&mut packet[20..]).expect("the segment should fit");
    packet
}

fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().expect("an error of the system")
}

#[test]
fn library_serves_calls_of_a_script() {
    let caller = Caller::start();
    let functions = &caller.functions;
    let listener = caller.listen();
    assert_eq!((caller.accept(listener).0, errno()), (-1, libc::EAGAIN), "a connection without a handshake");

    let next = caller.open();
    let (connection, peer) = caller.accept(listener);
    assert!(connection > 0 && peer == PEER, "no connection from the peer: {connection} {peer}");

    caller.inject(Flags::ACK | Flags::PSH, INITIAL + 1, next, b"question");
    let (ack, _, _) = caller.sent();
    assert_eq!(ack.acknowledgment.value(), INITIAL + 9, "the data is not acknowledged");
    let (mut first, mut second, mut readable) = ([0; 5], [0; 9], 0);
    let mut parts = [
        iovec { iov_base: first.as_mut_ptr().cast(), iov_len: first.len() },
        iovec { iov_base: second.as_mut_ptr().cast(), iov_len: second.len() },
    ];
    // SAFETY: the parts are valid for their lengths, and the request FIONREAD writes an integer.
    let received = unsafe {
        let request = libc::FIONREAD;
        assert_eq!((functions.ioctl)(ptr::null_mut(), connection, request, &raw mut readable), 0);
        (functions.readv)(ptr::null_mut(), connection, parts.as_ptr(), 2)
    };
    assert_eq!((readable, received, &first, &second), (8, 8, b"quest", b"ion\0\0\0\0\0\0"));

    (first, second) = (*b"no, y", *b"es and no");
    parts[0].iov_base = first.as_mut_ptr().cast();
    parts[1].iov_base = second.as_mut_ptr().cast();
    // SAFETY: the parts are valid for their lengths.
    let written = unsafe { (functions.writev)(ptr::null_mut(), connection, parts.as_ptr(), 2) };
    let (segment, data, _) = caller.sent();
    assert_eq!((written, data.as_slice()), (14, &b"no, yes and no"[..]));
    assert_eq!(segment.sequence.value(), next, "unexpected segment {segment:?}");
    assert_eq!((caller.send(connection, b"x", libc::MSG_OOB), errno()), (-1, libc::EOPNOTSUPP));

    let (mut info, mut length) = ([0u8; 400], 400);
    // SAFETY: the pointers are valid, and the length is that of the buffer.
    let result = unsafe {
        let value = info.as_mut_ptr().cast();
        getsockopt(connection, libc::IPPROTO_TCP, libc::TCP_INFO, value, &raw mut length)
    };
    assert_eq!((result, length, info[0]), (0, 280, 1), "the connection is not established");

    caller.inject(Flags::RST, INITIAL + 9, 0, b"");
    assert_eq!((caller.read(connection, &mut [0; 8]), errno()), (-1, libc::ECONNRESET));
    assert_eq!(caller.read(connection, &mut [0; 8]), 0, "the reset was reported twice");
    assert_eq!((caller.send(connection, b"x", 0), errno()), (-1, libc::EPIPE));

    // SAFETY: the calls have no pointers.
    unsafe {
        assert_eq!(((functions.pipe)(ptr::null_mut(), ptr::null_mut()), errno()), (-1, libc::ENOSYS));
        assert_eq!((functions.close)(ptr::null_mut(), connection), 0);
        assert_eq!((functions.close)(ptr::null_mut(), listener), 0);
        assert_eq!(((functions.listen)(ptr::null_mut(), listener, 1), errno()), (-1, libc::EBADF));
        (functions.free)(ptr::null_mut());
    }
    assert!(CALLS.next_packet().is_none(), "a host after the end");
}

#[test]
fn option_of_other_descriptor_is_passed_to_the_kernel() {
    let (mut value, mut length) = ([0u8; 4], 4);
    // SAFETY: the pointers are valid, and the length is that of the buffer.
    let result =
        unsafe { getsockopt(0, libc::SOL_SOCKET, libc::SO_TYPE, value.as_mut_ptr().cast(), &raw mut length) };
    assert!(result == 0 || errno() == libc::ENOTSOCK || errno() == libc::EBADF, "unexpected error");
}

#[test]
fn sendfile_sends_a_part_of_a_file() {
    let caller = Caller::start();
    let listener = caller.listen();
    caller.open();
    let (connection, _) = caller.accept(listener);
    let mut offset = 3;
    // SAFETY: the name is a string, the data is valid for its length, and the pointer is valid for an offset.
    unsafe {
        let file = libc::memfd_create(c"file".as_ptr(), 0);
        let copy = libc::memfd_create(c"copy".as_ptr(), 0);
        assert_eq!(libc::write(file, c"no data".as_ptr().cast(), 7), 7);
        assert_eq!(sendfile(connection, file, &raw mut offset, 9), 4, "another length was sent");
        assert_eq!(sendfile(copy, file, &raw mut offset, 9), 0, "data follows the end of the file");
        offset = 0;
        assert_eq!(sendfile(copy, file, &raw mut offset, 9), 7, "the kernel has not received the call");
        assert_eq!((sendfile(connection, file, ptr::null_mut(), 9), errno()), (-1, libc::EOPNOTSUPP));
        assert_eq!((sendfile(connection, -1, &raw mut offset, 9), errno()), (-1, libc::EBADF));
        assert_eq!((libc::close(file), libc::close(copy)), (0, 0));
    }
    assert_eq!((caller.sent().1.as_slice(), offset), (&b"data"[..], 7));
    // SAFETY: the call has no pointers.
    unsafe { (caller.functions.free)(ptr::null_mut()) };
}

#[test]
fn epoll_reports_connections_by_level_and_by_edge() {
    const DATA: u64 = 77;
    let caller = Caller::start();
    let functions = &caller.functions;
    let listener = caller.listen();
    let next = caller.open();
    let (connection, _) = caller.accept(listener);
    // SAFETY: the call has no pointers.
    let epoll = unsafe { (functions.epoll_create)(ptr::null_mut(), 1) };
    let control = |operation, events| {
        let mut event = epoll_event { events, u64: DATA };
        // SAFETY: the event is valid.
        unsafe { (functions.epoll_ctl)(ptr::null_mut(), epoll, operation, connection, &raw mut event) }
    };
    let wait = |timeout| {
        let mut event = epoll_event { events: 0, u64: DATA };
        // SAFETY: the array has one event.
        let count = unsafe { (functions.epoll_wait)(ptr::null_mut(), epoll, &raw mut event, 1, timeout) };
        let (events, data) = (event.events, event.u64);
        assert_eq!(data, DATA, "the event has another value");
        (count, events)
    };
    let [input, output, edge, once] =
        [libc::EPOLLIN, libc::EPOLLOUT, libc::EPOLLET, libc::EPOLLONESHOT].map(c_int::cast_unsigned);
    assert_eq!((control(libc::EPOLL_CTL_MOD, input), errno()), (-1, libc::ENOENT));
    assert_eq!(control(libc::EPOLL_CTL_ADD, input | output | edge), 0);
    assert_eq!((control(libc::EPOLL_CTL_ADD, input), errno()), (-1, libc::EEXIST));
    assert_eq!((wait(0), wait(0)), ((1, output), (0, 0)), "an edge was not reported once");
    // More data is an edge, also before the other data is read.
    for data in 0..2 {
        caller.inject(Flags::ACK | Flags::PSH, INITIAL + 1 + data, next, b"x");
        assert_eq!((wait(0), wait(0)), ((1, input | output), (0, 0)), "an edge was not reported once");
    }
    assert_eq!(control(libc::EPOLL_CTL_MOD, input), 0);
    assert_eq!((wait(0), wait(-1)), ((1, input), (1, input)), "a level was not reported twice");
    assert_eq!(control(libc::EPOLL_CTL_MOD, input | once), 0);
    assert_eq!((wait(0), wait(0)), ((1, input), (0, 0)), "a one-shot event was not reported once");
    assert_eq!((wait(5).0, errno()), (-1, libc::EOPNOTSUPP), "a limited time was accepted");
    assert_eq!(control(libc::EPOLL_CTL_MOD, input), 0);
    caller.inject(Flags::RST, INITIAL + 3, 0, b"");
    assert_eq!(wait(0), (1, input | libc::EPOLLHUP.cast_unsigned()), "the reset was not reported");
    assert_eq!(control(libc::EPOLL_CTL_DEL, 0), 0);
    assert_eq!(wait(0), (0, 0), "a removed connection was reported");
    // SAFETY: the calls have no pointers.
    unsafe {
        assert_eq!((functions.close)(ptr::null_mut(), connection), 0);
        assert_eq!((control(libc::EPOLL_CTL_ADD, input), errno()), (-1, libc::EBADF));
        assert_eq!((functions.close)(ptr::null_mut(), epoll), 0);
        assert_eq!((wait(0).0, errno()), (-1, libc::EBADF), "a closed instance was used");
        (functions.free)(ptr::null_mut());
    }
}

#[test]
fn recvmsg_reports_unread_bytes_on_request() {
    #[repr(C)]
    struct Control {
        header: cmsghdr,
        number: c_int,
    }
    let caller = Caller::start();
    let functions = &caller.functions;
    let listener = caller.listen();
    let next = caller.open();
    let (connection, _) = caller.accept(listener);
    caller.inject(Flags::ACK | Flags::PSH | Flags::FIN, INITIAL + 1, next, b"question");
    let receive = |length| {
        let mut buffer = [0u8; 8];
        let mut part = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: length };
        // SAFETY: zero is a valid value of these structs.
        let (mut control, mut message): (Control, msghdr) = unsafe { std::mem::zeroed() };
        (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
        (message.msg_control, message.msg_controllen) = ((&raw mut control).cast(), size_of::<Control>());
        // SAFETY: the message and its parts are valid.
        let received = unsafe { (functions.recvmsg)(ptr::null_mut(), connection, &raw mut message, 0) };
        let is_present = message.msg_controllen > 0;
        assert!(
            !is_present || (control.header.cmsg_level, control.header.cmsg_type) == (libc::IPPROTO_TCP, 36)
        );
        (received, is_present.then_some(control.number))
    };
    let set = |level, name, value: &[u8]| {
        let length = socklen_t::try_from(value.len()).expect("the length should fit");
        // SAFETY: the value is valid for its length.
        unsafe {
            (functions.setsockopt)(ptr::null_mut(), connection, level, name, value.as_ptr().cast(), length)
        }
    };
    assert_eq!(receive(2), (2, None), "a report without a request");
    assert_eq!(set(libc::IPPROTO_TCP, TCP_INQ, &1_i32.to_ne_bytes()), 0);
    assert_eq!(receive(2), (2, Some(4)));
    assert_eq!(receive(4), (4, Some(1)), "the end of the data counts as a byte");

    // An option of IP may have one byte.
    assert_eq!(set(libc::IPPROTO_IP, libc::IP_TOS, &[4]), 0);
    assert_eq!((set(libc::SOL_SOCKET, libc::SO_REUSEADDR, &[1]), errno()), (-1, libc::EINVAL));
    assert_eq!((set(libc::IPPROTO_IP, libc::IP_TOS, &[]), errno()), (-1, libc::EINVAL));

    // SAFETY: the calls must not use the null pointers.
    unsafe {
        let null = ptr::null_mut();
        assert_eq!(((functions.read)(null, connection, null, 1), errno()), (-1, libc::EFAULT));
        assert_eq!(((functions.send)(null, connection, null, 1, 0), errno()), (-1, libc::EFAULT));
        assert_eq!((functions.send)(null, connection, null, 0, 0), 0, "an empty write failed");
        (functions.free)(null);
    }
}

#[test]
fn announced_data_and_corks_delay_segments_and_records_limit_them() {
    let caller = Caller::start();
    let listener = caller.listen();
    let next = caller.open();
    let (connection, _) = caller.accept(listener);
    let set_option = |name, value| caller.set_option(connection, name, value);
    let sent = || {
        let (_, data, time) = caller.sent();
        (String::from_utf8(data).expect("the data should be text"), time)
    };
    let now = || i64::try_from(microseconds(CALLS.time())).expect("the time should fit");
    assert_eq!(set_option(libc::TCP_NODELAY, 1), 0);

    assert_eq!(caller.send(connection, b"a", libc::MSG_MORE), 1);
    assert_eq!(caller.send(connection, b"b", 0), 1);
    assert_eq!(sent().0, "ab", "a call without the flag does not send the data");
    assert_eq!(caller.send(connection, b"c", libc::MSG_MORE), 1);
    caller.inject(Flags::ACK, INITIAL + 1, next + 2, b"");
    let before = now();
    let (data, time) = sent();
    assert!(data == "c" && time <= before, "an ACK does not send the data: {data} at {time}, {before}");

    assert_eq!(set_option(libc::TCP_CORK, 1), 0);
    assert_eq!(caller.send(connection, b"d", 0), 1);
    caller.inject(Flags::ACK, INITIAL + 1, next + 3, b"");
    assert_eq!(caller.send(connection, b"e", 0), 1);
    assert_eq!(set_option(libc::TCP_NODELAY, 1), 0);
    assert_eq!(sent().0, "de", "TCP_NODELAY does not send the data");
    assert_eq!(caller.send(connection, b"f", 0), 1);
    assert_eq!(set_option(libc::TCP_CORK, 0), 0);
    assert_eq!(sent().0, "f", "the end of the cork does not send the data");

    assert_eq!(set_option(libc::TCP_CORK, 1), 0);
    assert_eq!(caller.send(connection, b"g", libc::MSG_EOR), 1);
    assert_eq!(caller.send(connection, b"h", 0), 1);
    assert_eq!(set_option(libc::TCP_CORK, 0), 0);
    assert_eq!([sent().0, sent().0], ["g", "h"], "a segment has data of two records");
    // SAFETY: the call has no pointers.
    unsafe { (caller.functions.free)(ptr::null_mut()) };
}

#[test]
fn cork_of_a_listener_or_a_new_socket_delays_segments_of_the_connection() {
    for is_passive in [true, false] {
        let caller = Caller::start();
        let socket = if is_passive { caller.listen() } else { caller.bound() };
        for option in [libc::TCP_NODELAY, libc::TCP_CORK] {
            assert_eq!(caller.set_option(socket, option, 1), 0);
        }
        let connection = if is_passive {
            caller.open();
            caller.accept(socket).0
        } else {
            caller.connect(socket);
            socket
        };
        assert_eq!(caller.send(connection, b"a", 0), 1);
        assert_eq!(caller.send(connection, b"b", 0), 1);
        assert_eq!(caller.set_option(connection, libc::TCP_CORK, 0), 0);
        assert_eq!(caller.sent().1, b"ab", "the cork has no effect, passive open: {is_passive}");
        // SAFETY: the call has no pointers.
        unsafe { (caller.functions.free)(ptr::null_mut()) };
    }
}

#[test]
fn write_succeeds_without_a_place_for_the_end_of_its_record() {
    let caller = Caller::start();
    let listener = caller.listen();
    caller.open();
    let (connection, _) = caller.accept(listener);
    for record in 0..1_026 {
        assert_eq!(caller.send(connection, b"r", libc::MSG_EOR), 1, "record {record} is refused");
    }
    // SAFETY: the call has no pointers.
    unsafe { (caller.functions.free)(ptr::null_mut()) };
}
