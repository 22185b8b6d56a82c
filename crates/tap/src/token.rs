//! The identity of the sender of a frame.

/// Token of a frame: identifies the sender of the frame to the machine that sent it.
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
