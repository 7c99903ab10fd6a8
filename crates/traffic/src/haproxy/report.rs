//! What HAProxy says of itself. Any text gives an answer.

use std::net::IpAddr;

use evergen_deployment::{Backend, Endpoint, RouterState, Slot, TrafficCounts};

use super::plan::{NOWHERE, split_of};

/// Bits of `srv_admin_state`: in maintenance by command, by another server, or for want of an
/// address. That the configuration once said `disabled` is a bit too, and means nothing later.
const MAINTENANCE: u32 = 0x01 | 0x02 | 0x20 | 0x40;
/// Bits of `srv_admin_state`: draining by command, or by another server.
const DRAIN: u32 = 0x08 | 0x10;

/// A server as HAProxy has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerState {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    /// The weight that is in effect.
    pub(crate) weight: u16,
    /// Whether it takes requests: it is neither down nor in maintenance.
    pub(crate) takes: bool,
    /// Whether somebody has put it into maintenance.
    pub(crate) maintained: bool,
}

/// What one server has counted, and has in hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerCounts {
    pub(crate) name: String,
    pub(crate) active: u64,
    pub(crate) counts: TrafficCounts,
}

/// Reads the answer to `show servers state`, by the names in its header.
pub(crate) fn servers(text: &str) -> Option<Vec<ServerState>> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    // The version of the format.
    if lines.next()?.trim() != "1" {
        return None;
    }
    let names: Vec<_> = lines.next()?.strip_prefix("# ")?.split_whitespace().collect();
    lines
        .map(|line| {
            let values: Vec<_> = line.split_whitespace().collect();
            let of = |name| values.get(names.iter().position(|known| *known == name)?).copied();
            let admin: u32 = of("srv_admin_state")?.parse().ok()?;
            let stopped = of("srv_op_state")? == "0";
            Some(ServerState {
                name: of("srv_name")?.to_owned(),
                address: of("srv_addr")?.parse().ok()?,
                port: of("srv_port")?.parse().ok()?,
                weight: of("srv_uweight")?.parse().ok()?,
                takes: admin & (MAINTENANCE | DRAIN) == 0 && !stopped,
                maintained: admin & MAINTENANCE != 0,
            })
        })
        .collect()
}

/// Reads the answer to `show stat`, by the names in its header.
pub(crate) fn counts(text: &str) -> Option<Vec<ServerCounts>> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let names: Vec<_> = lines.next()?.strip_prefix("# ")?.split(',').collect();
    lines
        .map(|line| {
            let values: Vec<_> = line.split(',').collect();
            let of = |name| values.get(names.iter().position(|known| *known == name)?).copied();
            // What was never counted is empty.
            let number = |name| {
                let text: &str = of(name)?;
                if text.is_empty() { Some(0_u64) } else { text.parse().ok() }
            };
            let kinds = ["hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"];
            let answered = kinds.into_iter().map(number).sum::<Option<u64>>()?;
            let broken = number("eresp")?;
            let counts = TrafficCounts::new(answered + broken, number("hrsp_5xx")? + broken);
            let active = number("scur")? + number("qcur")?;
            Some(ServerCounts { name: of("svname")?.to_owned(), active, counts })
        })
        .collect()
}

/// The slot of a server, by its name.
pub(crate) fn slot_of(name: &str) -> Option<Slot> {
    let numbered = |slot: &Slot| {
        let number = name.strip_prefix(slot.name());
        number.is_some_and(|number| number.parse::<u16>().is_ok())
    };
    Slot::BOTH.into_iter().find(numbered)
}

/// What HAProxy does with two slots.
pub(crate) fn state(servers: &[ServerState], counts: &[ServerCounts]) -> RouterState {
    let of = |slot| servers.iter().filter(move |server| slot_of(&server.name) == Some(slot));
    let weight = |slot| {
        of(slot).filter(|server| server.takes).map(|server| u32::from(server.weight)).sum::<u32>()
    };
    let backend = |slot| {
        let used = of(slot).filter(|server| (server.address, server.port) != NOWHERE);
        let endpoints =
            used.filter_map(|server| Endpoint::http(&server.address.to_string(), server.port).ok());
        Backend::new(endpoints.collect(), active(slot, counts))
    };
    let split = split_of(weight(Slot::Blue), weight(Slot::Green));
    RouterState::new(split, backend(Slot::Blue), backend(Slot::Green))
}

/// What a slot has in hand.
pub(crate) fn active(slot: Slot, counts: &[ServerCounts]) -> u64 {
    let of = counts.iter().filter(|server| slot_of(&server.name) == Some(slot));
    of.map(|server| server.active).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_report_is_none() {
        assert_eq!(servers("Unknown command.\n"), None);
        assert_eq!(servers("1\n# srv_name srv_addr\nblue1\n"), None);
        assert_eq!(counts("Permission denied\n"), None);
        assert_eq!(counts("# pxname,svname,scur\napp,blue1,x\n"), None);
        assert_eq!(slot_of("blue12"), Some(Slot::Blue));
        assert_eq!(["blue", "blue1x", "red1"].map(slot_of), [None; 3]);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "(1\n)?# [a-z_, \n0-9.]{0,200}") {
            let _ = (servers(&text), counts(&text));
        }
    }
}
