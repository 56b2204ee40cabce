//! An offer: one package at one path for as long as the offer is held.

use super::shelf::{Place, Shelf};
use super::tally::{Mark, Served};
use bytes::Bytes;
use dfota_core::fault::HttpFaults;
use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};
use std::io;
use std::sync::Arc;

/// The longest URL that [`PackageServer::offer`](super::PackageServer::offer) makes. The module takes 255 bytes, but
/// the vendor's own code builds the whole command, `AT+QFOTADL="…"` and all, in a buffer of 255.
pub const URL_MAX: usize = 235;

/// A package on offer. Dropping it takes the package back: its path is unknown from then on, and an answer that is
/// still under way is broken off.
#[derive(Debug)]
pub struct Offer {
    shelf: Arc<Shelf>,
    place: Arc<Place>,
    url: String,
}

/// Why a package can not be offered.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// The base of the URL is none.
    #[error("`{base}` is no base of a URL: expected `{scheme}HOST[:PORT]`, printable, without `?` or `#`")]
    Base {
        /// What was given.
        base: String,
        /// The scheme that it needs.
        scheme: &'static str,
    },
    /// The URL is too long.
    #[error(
        "the URL would have {length} characters and the module's command holds {URL_MAX}: shorten `network.http.advertise` (`{base}`) or the package's name"
    )]
    TooLong {
        /// Its length.
        length: usize,
        /// The advertised base.
        base: String,
    },
    /// The URI is too long for `/5/0/1`.
    #[error(
        "the URI would have {length} characters and `/5/0/1` holds {longest}: shorten `network.coap.advertise` (`{base}`) or the package's name",
        longest = bc66_wire::lwm2m::URI_MAX
    )]
    TooLongUri {
        /// Its length.
        length: usize,
        /// The advertised base.
        base: String,
    },
    /// The path is none that this server serves.
    #[error(
        "`{0}` is no path for a package: expected `/` and then letters, digits, `.`, `_`, `-`, `~` and `/`, no `..`"
    )]
    Path(String),
    /// The path is that of another offer.
    #[error("another package is offered at `{0}` already")]
    Taken(String),
    /// An answer can not have this status.
    #[error("{0} is no status of an answer: expected 200 to 599")]
    Status(u16),
    /// Nothing can go at no speed.
    #[error("a throttle of 0 bytes/s would never send a byte: expected at least 1, or use `stall`")]
    Throttle,
    /// Nothing would ever arrive.
    #[error("losing or doubling every {0}. datagram: expected every 2nd or a later one")]
    Every(u32),
    /// Blocks have no such size.
    #[error("blocks of {0} bytes do not exist: expected 16, 32, 64, 128, 256, 512 or 1024")]
    BlockSize(u16),
    /// The system has no randomness.
    #[error("the system gives no random bytes for an unguessable path: {0}")]
    Random(io::Error),
}

impl Offer {
    /// Puts a package on the shelf.
    pub(super) fn new(
        shelf: Arc<Shelf>,
        url: String,
        path: String,
        package: Bytes,
        faults: HttpFaults,
    ) -> Result<Self, OfferError> {
        check_path(&path)?;
        check_faults(&faults)?;
        let place = shelf.put(Place::new(path, package, faults))?;
        Ok(Self { shelf, place, url })
    }

    /// The path, as it stands in a request.
    pub fn path(&self) -> &str {
        &self.place.path
    }

    /// The whole URL, under the advertised base.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its strong entity tag, quotes included.
    pub fn etag(&self) -> &str {
        &self.place.etag
    }

    /// What goes wrong with requests from now on; answers under way stay as they were meant. A pause that had happened
    /// may happen again.
    pub fn set_faults(&self, faults: HttpFaults) -> Result<(), OfferError> {
        check_faults(&faults)?;
        self.place.set_faults(faults);
        Ok(())
    }

    /// What was served so far, answers under way included. Bytes count as soon as the system has taken them, which the
    /// peer may see a moment earlier; a request counts before its answer begins.
    pub fn requests(&self) -> Served {
        self.place.tally.served()
    }

    /// This moment, for [`Self::requests_since`].
    pub fn mark(&self) -> Mark {
        self.place.tally.mark()
    }

    /// What was served since `mark`: proof that there was no second download is that this is nothing. The bytes count
    /// also what an answer from before sent after it.
    pub fn requests_since(&self, mark: Mark) -> Served {
        self.place.tally.since(mark)
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.shelf.withdraw(&self.place);
    }
}

/// A base without its last slash.
pub(crate) fn check_base<'b>(base: &'b str, scheme: &'static str) -> Result<&'b str, OfferError> {
    let own = base
        .get(..scheme.len())
        .filter(|own| own.eq_ignore_ascii_case(scheme));
    let host = own.map(|_| base[scheme.len()..].trim_end_matches('/'));
    let sound = host.is_some_and(|host| {
        let printable = host.bytes().all(|byte| byte.is_ascii_graphic());
        !host.is_empty() && !host.starts_with('/') && printable && !host.contains(['?', '#', '"', '\\'])
    });
    match sound {
        true => Ok(base.trim_end_matches('/')),
        false => Err(OfferError::Base {
            base: base.to_owned(),
            scheme,
        }),
    }
}

/// A path that nobody can guess, 128 bits of the system's randomness and the name. It does not derive from the run's
/// seed: it is no choice of the experiment, and who knows the seed must not know the path.
pub(crate) fn unguessable_path(name: &str) -> Result<String, OfferError> {
    let token = unguessable().map_err(OfferError::Random)?;
    let name: String = name.trim_start_matches('.').chars().map(plain).collect();
    Ok(match name.is_empty() {
        true => format!("/{token}"),
        false => format!("/{token}/{name}"),
    })
}

/// 128 bits of the system's randomness in hex.
fn unguessable() -> io::Result<String> {
    let mut token = [0; 16];
    let got = retry_on_intr(|| getrandom(&mut token, GetRandomFlags::empty()))?;
    if got < token.len() {
        return Err(io::Error::other(format!(
            "{got} bytes instead of {}",
            token.len()
        )));
    }
    Ok(token.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The character, if every URL parser leaves it alone.
fn plain(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '-',
    }
}

pub(crate) fn check_path(path: &str) -> Result<(), OfferError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~/".contains(&byte);
    let dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    match path.starts_with('/') && path.bytes().all(plain) && !dots {
        true => Ok(()),
        false => Err(OfferError::Path(path.to_owned())),
    }
}

fn check_faults(faults: &HttpFaults) -> Result<(), OfferError> {
    match (faults.status, faults.throttle) {
        (Some(status), _) if !(200..=599).contains(&status) => Err(OfferError::Status(status)),
        (_, Some(0)) => Err(OfferError::Throttle),
        _ => Ok(()),
    }
}
