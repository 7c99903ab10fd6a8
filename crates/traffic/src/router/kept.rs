//! What a router keeps over its end: the split and the endpoints.

use std::io;
use std::path::{Path, PathBuf};

use evergen_deployment::{Endpoint, Slot, Split};
use serde::{Deserialize, Serialize};

use crate::durable;

/// The contents of the state file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// Which form of the file this is.
    format: Format,
    /// Green's share in thousandths; nothing before the first split.
    pub(crate) split: Option<Split>,
    pub(crate) blue: Vec<Endpoint>,
    pub(crate) green: Vec<Endpoint>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[default]
    #[serde(rename = "evergen-router-1")]
    One,
}

/// The state file can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeptError {
    /// It can't be read or written.
    #[error("can't {action} the router's state `{}`", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is none, or of another version.
    #[error(
        "`{}` holds no state of a router: {why}; move it away to begin without traffic", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Somebody would be sent to nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error(
        "slot {slot} has no endpoint; point it somewhere before it gets {permille} thousandths"
    )]
    NobodyThere { slot: Slot, permille: u16 },
    #[error("slot {slot} has {permille} thousandths of the traffic; set its share to zero first")]
    StillServing { slot: Slot, permille: u16 },
    #[error("{count} endpoints are too many for slot {slot}; at most {most} are taken")]
    TooMany { slot: Slot, count: usize, most: usize },
    #[error("`{endpoint}` is not spoken to in HTTP; this router passes on nothing else")]
    NotHttp { endpoint: Endpoint },
}

/// More replicas than anybody has on one machine.
const MOST_ENDPOINTS: usize = 256;

impl Kept {
    /// Reads the file; one that isn't there holds nothing. Blocks.
    pub(crate) fn load(path: &Path) -> Result<Self, KeptError> {
        let file = |source| KeptError::File { action: "read", path: path.to_owned(), source };
        let Some(bytes) = durable::read(path).map_err(file)? else { return Ok(Self::default()) };
        let damaged = |why: String| KeptError::Damaged { path: path.to_owned(), why };
        let kept: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let shares = kept.split.map_or(Ok(()), |split| kept.fits(split));
        shares.map_err(|unfit| damaged(unfit.to_string()))?;
        Ok(kept)
    }

    /// Replaces the file. Blocks until it is on its medium.
    pub(crate) fn save(&self, path: &Path) -> Result<(), KeptError> {
        let file = |source| KeptError::File { action: "write", path: path.to_owned(), source };
        let text = serde_json::to_vec_pretty(self).map_err(|error| file(error.into()))?;
        durable::write(path, &text).map_err(file)
    }

    pub(crate) fn endpoints(&self, slot: Slot) -> &[Endpoint] {
        match slot {
            Slot::Blue => &self.blue,
            Slot::Green => &self.green,
        }
    }

    /// The same with another split.
    pub(crate) fn with_split(&self, split: Split) -> Result<Self, Unfit> {
        self.fits(split)?;
        Ok(Self { split: Some(split), ..self.clone() })
    }

    /// The same with other endpoints of one slot.
    pub(crate) fn with_endpoints(&self, slot: Slot, endpoints: &[Endpoint]) -> Result<Self, Unfit> {
        let permille = self.split.map_or(0, |split| split.of(slot));
        if endpoints.is_empty() && permille > 0 {
            return Err(Unfit::StillServing { slot, permille });
        }
        let (count, most) = (endpoints.len(), MOST_ENDPOINTS);
        if count > most {
            return Err(Unfit::TooMany { slot, count, most });
        }
        let http = evergen_deployment::Scheme::Http;
        if let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.scheme != http) {
            return Err(Unfit::NotHttp { endpoint: endpoint.clone() });
        }
        let mut kept = self.clone();
        match slot {
            Slot::Blue => kept.blue = endpoints.to_vec(),
            Slot::Green => kept.green = endpoints.to_vec(),
        }
        Ok(kept)
    }

    /// That nobody is sent to nobody.
    fn fits(&self, split: Split) -> Result<(), Unfit> {
        let served = |slot: &Slot| split.of(*slot) == 0 || !self.endpoints(*slot).is_empty();
        match Slot::BOTH.into_iter().find(|slot| !served(slot)) {
            Some(slot) => Err(Unfit::NobodyThere { slot, permille: split.of(slot) }),
            None => Ok(()),
        }
    }
}
