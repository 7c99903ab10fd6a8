use futures::future::{BoxFuture, FutureExt as _};
use regex::Regex;
use ureq::http::Uri;

use super::settings::{HttpProbeSettings, check_timeout};
use crate::commands::setting;
use crate::http::{HttpError, Request, Response, beginning, parse_url};
use crate::{Endpoint, HealthProbe, ProbeTarget, Scheme, SettingError, Verdict};

/// Asks by an HTTP request.
#[derive(Clone, Debug)]
pub struct HttpProbe {
    name: String,
    place: Place,
    settings: HttpProbeSettings,
    pattern: Option<Regex>,
}

#[derive(Clone, Debug)]
enum Place {
    Url(Uri),
    /// Of every endpoint.
    Path(String),
}

impl HttpProbe {
    /// A probe with these settings.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn new(
        name: impl Into<String>,
        settings: &HttpProbeSettings,
    ) -> Result<Self, SettingError> {
        check_timeout("timeout", settings.timeout)?;
        if let Some(latency) = settings.max_latency {
            check_timeout("max_latency", latency)?;
        }
        setting("status", "", !settings.status.is_empty(), "no status would pass")?;
        setting("redirects", settings.redirects, settings.redirects <= 10, "allowed is 0 to 10")?;
        let place = if settings.url.starts_with('/') {
            let whole = format!("http://host{}", settings.url);
            parse_url("url", &whole)
                .map_err(|error| SettingError::new("url", &settings.url, error.why))?;
            Place::Path(settings.url.clone())
        } else {
            Place::Url(parse_url("url", &settings.url)?)
        };
        let compile = |pattern: &String| {
            Regex::new(pattern).map_err(|error| SettingError::new("body_matches", pattern, error))
        };
        let pattern = settings.body_matches.as_ref().map(compile).transpose()?;
        Ok(Self { name: name.into(), place, settings: settings.clone(), pattern })
    }

    fn urls(&self, endpoints: &[Endpoint]) -> Result<Vec<Uri>, String> {
        match &self.place {
            Place::Url(url) => Ok(vec![url.clone()]),
            Place::Path(_) if endpoints.is_empty() => Err("the slot has no endpoint".to_owned()),
            Place::Path(path) => endpoints.iter().map(|endpoint| joined(endpoint, path)).collect(),
        }
    }

    fn judge(&self, response: &Response) -> Verdict {
        let settings = &self.settings;
        if !settings.status.iter().any(|range| range.contains(response.status)) {
            let allowed: Vec<String> = settings.status.iter().map(ToString::to_string).collect();
            let status = response.status;
            let redirect = response.location.as_ref().filter(|_| (300..400).contains(&status));
            let followed = settings.redirects;
            let what = redirect.map_or_else(
                || format!(": {}", beginning(&response.body)),
                |to| format!(", a redirect to {to}; {followed} are followed"),
            );
            return Verdict::fail(format!(
                "it answered {status}, not {}{what}",
                allowed.join(" or ")
            ));
        }
        let text = String::from_utf8_lossy(&response.body);
        if let Some(wanted) =
            settings.body_contains.as_ref().filter(|text_in| !text.contains(*text_in))
        {
            return Verdict::fail(format!(
                "its answer does not contain `{wanted}`: {}",
                beginning(&response.body)
            ));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(&text)) {
            return Verdict::fail(format!(
                "its answer does not match `{pattern}`: {}",
                beginning(&response.body)
            ));
        }
        match settings.max_latency {
            Some(limit) if response.took > limit => Verdict::fail(format!(
                "it took {} ms to answer; {} ms are allowed",
                response.took.as_millis(),
                limit.as_millis()
            )),
            _ => Verdict::Pass,
        }
    }
}

fn joined(endpoint: &Endpoint, path: &str) -> Result<Uri, String> {
    if endpoint.scheme == Scheme::Tcp {
        return Err(format!("{endpoint} does not speak HTTP"));
    }
    parse_url("url", &format!("{endpoint}{path}")).map_err(|error| error.to_string())
}

impl HealthProbe for HttpProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        async move {
            let urls = match self.urls(&target.endpoints) {
                Ok(urls) => urls,
                Err(why) => return Verdict::no_data(why),
            };
            let timeout = self.settings.timeout.min(target.context.deadline);
            let ask = |url: Uri| async move {
                let mut request = Request::get(url.clone(), timeout);
                request.redirects = self.settings.redirects;
                match request.send().await {
                    Ok(response) => self.judge(&response),
                    Err(error @ HttpError::Unknown { .. }) => Verdict::no_data(error.to_string()),
                    Err(error) => Verdict::fail(error.to_string()),
                }
            };
            let verdicts = futures::future::join_all(urls.into_iter().map(ask)).await;
            // The first that does not pass; there is at least one.
            verdicts.into_iter().find(|verdict| !verdict.passes()).unwrap_or(Verdict::Pass)
        }
        .boxed()
    }
}
