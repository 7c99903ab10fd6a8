use std::hash::{Hash as _, Hasher as _};
use std::net::IpAddr;

use evergen_resilience::SettingsError;
use hyper::HeaderMap;
use hyper::header::COOKIE;

/// Who meets the same slot again while the split stays.
///
/// Whoever is known gets a fixed point between 0 and 1000, from a hash and without a table; a
/// point below green's share goes to green. So a restart changes nothing, and while a share
/// grows, clients move into the growing slot only and none moves back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Affinity {
    /// Nobody: each request is drawn for itself, and any hundred requests in a row are shared
    /// as the split says. What a release keeps between requests must not stay in its processes.
    #[default]
    None,
    /// Clients by address. Clients behind one gateway count as one.
    Address,
    /// Sessions by the value of this cookie, which the service sets; without it, the address.
    Cookie(String),
}

impl Affinity {
    /// The point of whoever sent these headers; none where each request is drawn.
    pub(crate) fn point(&self, headers: &HeaderMap, client: IpAddr) -> Option<u16> {
        match self {
            Self::None => None,
            Self::Address => Some(point_of(&client.to_canonical().to_string())),
            Self::Cookie(name) => Some(
                cookie(headers, name)
                    .map_or_else(|| point_of(&client.to_canonical().to_string()), point_of),
            ),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let Self::Cookie(name) = self else { return Ok(()) };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !name.is_empty() && name.bytes().all(fits) {
            return Ok(());
        }
        Err(SettingsError::new("affinity.cookie", name, "a name of letters, digits, `-` or `_`"))
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).map(str::trim);
    let value = pairs.find_map(|pair| pair.split_once('=').filter(|(known, _)| *known == name))?.1;
    (!value.is_empty()).then_some(value)
}

/// A stable hash: FNV-1a with a last mix, since a router that comes back must agree.
fn point_of(text: &str) -> u16 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    text.hash(&mut hasher);
    let mixed = hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    thousandth(mixed)
}

/// Where a number stands in its whole range, in thousandths.
#[expect(clippy::cast_possible_truncation, reason = "less than 1000")]
pub(crate) const fn thousandth(number: u64) -> u16 {
    (((number >> 32) * 1000) >> 32) as u16
}

struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, cookies.parse().unwrap())])
    }

    #[test]
    fn a_session_keeps_its_point_wherever_it_comes_from() {
        let affinity = Affinity::Cookie("session".to_owned());
        let at =
            |cookies: &str, address: [u8; 4]| affinity.point(&headers(cookies), address.into());
        assert_eq!(at("a=1; session=x", [10, 0, 0, 1]), at("session=x; b=2", [10, 0, 0, 2]));
        assert_ne!(at("session=", [10, 0, 0, 1]), at("session=", [10, 0, 0, 2]));
        assert_eq!(Affinity::None.point(&headers("session=x"), [10, 0, 0, 1].into()), None);
    }

    #[test]
    fn points_are_spread_evenly() {
        let address = |number: u32| std::net::Ipv4Addr::from(number).into();
        let point = |number| Affinity::Address.point(&HeaderMap::new(), address(number)).unwrap();
        let below = (0..10_000).filter(|number| point(0x0a00_0000 + number) < 100).count();
        assert!((850..1150).contains(&below), "{below} of 10000 clients in a tenth");
    }
}
