//! The token of a frame, which identifies its sender.

/// Token of a frame. By the token, the machine that sent the frame identifies the part that sent it, such as a probe of
/// an address.
///
/// If a device refuses a frame, the [`Machine`](crate::Machine) receives the token of the frame. The values have no
/// meaning for devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

impl Token {
    /// Token of frames without a sender to inform: their refusal is counted, and not reported.
    pub const NONE: Token = Token(0);

    /// Creates a token with this value. The value 0 is [`Token::NONE`].
    pub const fn new(value: u64) -> Token {
        Token(value)
    }

    /// Returns the value.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Returns whether this is [`Token::NONE`].
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}
