//! What HAProxy is to do, as a value: its servers, and the file they stand in.

use std::fmt::Write as _;
use std::net::IpAddr;

use evergen_deployment::{Endpoint, Scheme, Slot, Split};

use super::settings::HaproxySettings;

/// The largest weight that HAProxy takes.
pub(crate) const HEAVIEST: u16 = 256;

/// Where a server points that nobody uses.
pub(crate) const NOWHERE: (IpAddr, u16) = (IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// The endpoints of both slots, and how they share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) split: Option<Split>,
    pub(crate) blue: Vec<Endpoint>,
    pub(crate) green: Vec<Endpoint>,
}

/// One server as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) slot: Slot,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) weight: u16,
    pub(crate) used: bool,
}

/// HAProxy can't do this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error(
        "slot {slot} has no endpoint; point it somewhere before it gets {permille} thousandths"
    )]
    NobodyThere { slot: Slot, permille: u16 },
    #[error("slot {slot} has {permille} thousandths of the traffic; set its share to zero first")]
    StillServing { slot: Slot, permille: u16 },
    #[error(
        "{count} endpoints don't fit into the {most} servers of slot {slot}; set `replicas` higher and start HAProxy anew"
    )]
    TooMany { slot: Slot, count: usize, most: u16 },
    #[error("`{endpoint}` is not at an address; HAProxy looks up no names while it runs")]
    NoAddress { endpoint: Endpoint },
    #[error("`{endpoint}` is spoken to in TLS, which servers of HAProxy are not set up for here")]
    Tls { endpoint: Endpoint },
    #[error(
        "a share of {permille} thousandths for {greens} against {blues} servers can't be had of weights up to {HEAVIEST}; take 4 to 996, or all"
    )]
    TooFine { permille: u16, blues: usize, greens: usize },
}

impl Plan {
    pub(crate) fn endpoints(&self, slot: Slot) -> &[Endpoint] {
        match slot {
            Slot::Blue => &self.blue,
            Slot::Green => &self.green,
        }
    }

    pub(crate) fn share(&self, slot: Slot) -> u16 {
        self.split.map_or(0, |split| split.of(slot))
    }

    pub(crate) fn with_split(&self, split: Split) -> Result<Self, Unfit> {
        for slot in Slot::BOTH {
            let permille = split.of(slot);
            if permille > 0 && self.endpoints(slot).is_empty() {
                return Err(Unfit::NobodyThere { slot, permille });
            }
        }
        Ok(Self { split: Some(split), ..self.clone() })
    }

    pub(crate) fn with_endpoints(&self, slot: Slot, endpoints: &[Endpoint]) -> Result<Self, Unfit> {
        let permille = self.share(slot);
        if endpoints.is_empty() && permille > 0 {
            return Err(Unfit::StillServing { slot, permille });
        }
        let mut plan = self.clone();
        match slot {
            Slot::Blue => plan.blue = endpoints.to_vec(),
            Slot::Green => plan.green = endpoints.to_vec(),
        }
        Ok(plan)
    }

    /// All servers of the backend: those of blue, then those of green.
    pub(crate) fn servers(&self, replicas: u16) -> Result<Vec<Server>, Unfit> {
        let weights = weights(self.split, self.blue.len(), self.green.len())?;
        let mut servers = Vec::new();
        for (slot, weight) in Slot::BOTH.into_iter().zip(weights) {
            let endpoints = self.endpoints(slot);
            if endpoints.len() > usize::from(replicas) {
                return Err(Unfit::TooMany { slot, count: endpoints.len(), most: replicas });
            }
            for number in 0..replicas {
                let endpoint = endpoints.get(usize::from(number));
                let (address, port) = endpoint.map_or(Ok(NOWHERE), place)?;
                let (used, name) = (endpoint.is_some(), format!("{slot}{}", number + 1));
                let weight = if used { weight } else { 0 };
                servers.push(Server { name, slot, address, port, weight, used });
            }
        }
        Ok(servers)
    }

    /// The file that HAProxy reads when it starts.
    pub(crate) fn file(&self, settings: &HaproxySettings) -> Result<String, Unfit> {
        let mut text = format!(
            "# Written by evergen before each change of traffic. Changes by hand are lost.\n\
             backend {}\n    balance roundrobin\n",
            settings.backend
        );
        for option in &settings.options {
            let _ = writeln!(text, "    {option}");
        }
        for server in self.servers(settings.replicas)? {
            let Server { name, address, port, weight, used, .. } = server;
            let address = bracketed(address);
            let ending = if used { "" } else { " disabled" };
            let _ = writeln!(text, "    server {name} {address}:{port} weight {weight}{ending}");
        }
        Ok(text)
    }
}

/// An address as it stands before a port.
fn bracketed(address: IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}

fn place(endpoint: &Endpoint) -> Result<(IpAddr, u16), Unfit> {
    if endpoint.scheme == Scheme::Https {
        return Err(Unfit::Tls { endpoint: endpoint.clone() });
    }
    let address = endpoint.host.parse();
    let address = address.map_err(|_| Unfit::NoAddress { endpoint: endpoint.clone() })?;
    Ok((address, endpoint.port))
}

/// The weight of each server of blue and of green, such that a split is kept to the thousandth.
///
/// Of all that do, the lightest is taken: with small weights HAProxy mixes servers finely.
pub(crate) fn weights(
    split: Option<Split>,
    blues: usize,
    greens: usize,
) -> Result<[u16; 2], Unfit> {
    const ALONE: u16 = 100;
    let Some(split) = split else { return Ok([0, 0]) };
    match split.sole() {
        Some(Slot::Blue) => return Ok([ALONE, 0]),
        Some(Slot::Green) => return Ok([0, ALONE]),
        None => {}
    }
    let permille = split.of(Slot::Green);
    let too_fine = Unfit::TooFine { permille, blues, greens };
    let (Ok(blue_count), Ok(green_count)) = (u32::try_from(blues), u32::try_from(greens)) else {
        return Err(too_fine);
    };
    let (share, rest) = (u32::from(permille), u32::from(Split::WHOLE - permille));
    for green in 1..=HEAVIEST {
        let total = u32::from(green) * green_count * rest;
        let blue = (total + share * blue_count / 2) / (share * blue_count).max(1);
        let Ok(blue) = u16::try_from(blue) else { continue };
        let weights = [(blue, blue_count), (green, green_count)];
        if (1..=HEAVIEST).contains(&blue) && shared(weights) == Some(split) {
            return Ok([blue, green]);
        }
    }
    Err(too_fine)
}

/// The split that weights make: weight and number of servers, of blue and of green.
fn shared([blue, green]: [(u16, u32); 2]) -> Option<Split> {
    let sum = |(weight, count): (u16, u32)| u32::from(weight) * count;
    split_of(sum(blue), sum(green))
}

/// The split of two sums of weights; none if nobody has any.
pub(crate) fn split_of(blue: u32, green: u32) -> Option<Split> {
    let (blue, green) = (u64::from(blue), u64::from(green));
    let all = blue + green;
    let permille = (green * 1000 + all / 2).checked_div(all)?;
    Split::giving(Slot::Green, u16::try_from(permille).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn weights_keep_the_split_and_never_sum_to_zero(
            permille in 0_u16..=1000,
            blues in 1_usize..6,
            greens in 1_usize..6,
        ) {
            let split = Split::giving(Slot::Green, permille).unwrap();
            match weights(Some(split), blues, greens) {
                Ok([blue, green]) => {
                    let counts = [blues, greens].map(|count| u32::try_from(count).unwrap());
                    prop_assert_eq!(shared([(blue, counts[0]), (green, counts[1])]), Some(split));
                    prop_assert!(blue <= HEAVIEST && green <= HEAVIEST);
                }
                Err(_) => prop_assert!(!(30..=970).contains(&permille), "{} {} {}", permille, blues, greens),
            }
        }
    }

    #[test]
    fn one_against_one_has_every_share_from_4_to_996() {
        for permille in 4..=996 {
            weights(Split::giving(Slot::Green, permille).ok(), 1, 1).unwrap();
        }
    }

    #[test]
    fn the_file_is_what_haproxy_reads() {
        let settings = HaproxySettings::new("/run/haproxy.sock", "/etc/haproxy/evergen.cfg", "app")
            .with_replicas(2)
            .with_option("option http-keep-alive");
        let plan = Plan {
            split: Split::giving(Slot::Green, 100).ok(),
            blue: vec![Endpoint::http("127.0.0.1", 8081).unwrap()],
            green: vec![Endpoint::http("::1", 8082).unwrap(), Endpoint::http("::1", 8083).unwrap()],
        };
        insta::assert_snapshot!(plan.file(&settings).unwrap(), @r"
        # Written by evergen before each change of traffic. Changes by hand are lost.
        backend app
            balance roundrobin
            option http-keep-alive
            server blue1 127.0.0.1:8081 weight 18
            server blue2 127.0.0.1:1 weight 0 disabled
            server green1 [::1]:8082 weight 1
            server green2 [::1]:8083 weight 1
        ");
    }
}
