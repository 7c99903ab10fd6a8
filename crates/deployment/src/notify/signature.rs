use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::Secret;

/// The header with the signature of a webhook.
pub const SIGNATURE_HEADER: &str = "x-evergen-signature";
/// The header with the time at which it was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-evergen-timestamp";

/// The signature of a webhook: `sha256=` and, in hexadecimal, the HMAC-SHA256 of the time, a
/// dot, and the body. A receiver computes it by the same key, compares it in constant time,
/// and refuses what is older than a few minutes, so that nothing can be played again.
///
/// ```
/// use evergen_deployment::{Secret, signature};
///
/// let key = Secret::new("key");
/// assert_eq!(
///     signature(&key, 1_700_000_000, br#"{"id":"staging/7/succeeded"}"#),
///     "sha256=2342b73225ff8e536967beec52eb62feec6fd8e7522a90cfe22a580f378b8071",
/// );
/// ```
pub fn signature(key: &Secret, seconds: i64, body: &[u8]) -> String {
    // HMAC takes keys of any length, so that there is no error.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("sha256={}", digits.collect::<String>())
}
