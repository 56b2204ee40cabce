//! Numbers of `+CME ERROR:` (BC66-NA error list; 3GPP TS 27.007 §9.2).

/// Operation not allowed.
pub const NOT_ALLOWED: u16 = 3;
/// Operation not supported.
pub const NOT_SUPPORTED: u16 = 4;
/// SIM busy.
pub const SIM_BUSY: u16 = 14;
/// Bad parameter.
pub const BAD_PARAMETER: u16 = 50;

/// How firmware announces a numeric error.
pub const CME_ERROR: &str = "+CME ERROR:";
/// How its LwM2M commands misspell it (FW).
pub const CMEE_ERROR: &str = "+CMEE ERROR:";

/// What a number means, where it is known.
pub const fn name(code: u16) -> Option<&'static str> {
    Some(match code {
        3 => "operation not allowed",
        4 => "operation not supported",
        10 => "no SIM",
        13 => "SIM failure",
        14 => "SIM busy",
        20 => "memory full",
        30 => "no network service",
        31 => "network time-out",
        50 => "bad parameter",
        100 => "unknown",
        765 => "invalid input value",
        766 => "unsupported value",
        767 => "operation failed",
        772 => "USIM powered down",
        840 => "no service",
        841 => "cell search",
        842 => "ERRC deactivated",
        846 => "in PSM",
        847 => "no data in idle",
        _ => return None,
    })
}
