//! The protocol's times (RFC 7252 §4.8, §4.8.2), in the module's time.

use core::time::Duration;

/// First wait for an acknowledgement; drawn between this and [`ACK_TIMEOUT_MAX`].
pub const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// `ACK_TIMEOUT * ACK_RANDOM_FACTOR`, the factor being 1.5.
pub const ACK_TIMEOUT_MAX: Duration = Duration::from_secs(3);
/// How often a confirmable message is sent again.
pub const MAX_RETRANSMIT: u32 = 4;
/// From the first transmission to the end of waiting for an acknowledgement.
pub const MAX_TRANSMIT_WAIT: Duration = Duration::from_secs(93);
/// As long as a message id must not be used again with a peer.
pub const EXCHANGE_LIFETIME: Duration = Duration::from_secs(247);
/// How long a response may stay out that was promised by an empty acknowledgement. The RFC leaves it open; as long as an
/// exchange lives.
pub const RESPONSE_WAIT: Duration = EXCHANGE_LIFETIME;
