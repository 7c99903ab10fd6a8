use futures::future::{BoxFuture, FutureExt as _};
use serde::Deserialize;
use ureq::http::Uri;

use super::settings::{MetricProbeSettings, check_timeout};
use crate::commands::setting;
use crate::http::{Request, Response, beginning, encoded, parse_url};
use crate::{HealthProbe, ProbeTarget, SettingError, StepContext, Verdict};

/// Asks Prometheus by an instant query.
#[derive(Clone, Debug)]
pub struct MetricProbe {
    name: String,
    url: Uri,
    settings: MetricProbeSettings,
}

impl MetricProbe {
    /// A probe with these settings.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn new(
        name: impl Into<String>,
        settings: &MetricProbeSettings,
    ) -> Result<Self, SettingError> {
        check_timeout("timeout", settings.timeout)?;
        let base = settings.url.trim_end_matches('/');
        parse_url("url", &settings.url)?;
        let url = parse_url("url", &format!("{base}/api/v1/query"))?;
        setting("query", &settings.query, !settings.query.trim().is_empty(), "it is empty")?;
        setting(
            "threshold",
            settings.threshold,
            settings.threshold.is_finite(),
            "it is no number",
        )?;
        Ok(Self { name: name.into(), url, settings: settings.clone() })
    }

    async fn ask(&self, target: &ProbeTarget) -> Result<Response, String> {
        let query = filled(&self.settings.query, &target.context);
        let form = format!("query={}", encoded(&query));
        let timeout = self.settings.timeout.min(target.context.deadline);
        let mut request = Request::post(self.url.clone(), timeout, form.into_bytes())
            .with_header("content-type", "application/x-www-form-urlencoded");
        if let Some(reference) = &self.settings.token {
            let token = reference.resolve().map_err(|error| error.to_string())?;
            request = request.with_header("authorization", format!("Bearer {}", token.expose()));
        }
        request.send().await.map_err(|error| error.to_string())
    }

    fn judge(&self, response: &Response) -> Verdict {
        let Ok(answer) = serde_json::from_slice::<Answer>(&response.body) else {
            let (status, body) = (response.status, beginning(&response.body));
            return Verdict::no_data(format!("Prometheus answered {status}: {body}"));
        };
        let values = match answer.values() {
            Ok(values) => values,
            Err(why) => return Verdict::no_data(why),
        };
        if values.is_empty() {
            return Verdict::no_data("the query gives no value");
        }
        let MetricProbeSettings { must_be, threshold, .. } = self.settings;
        for value in values {
            if value.is_nan() {
                return Verdict::no_data("the query gives a value that is no number");
            }
            if !must_be.holds(value, threshold) {
                return Verdict::fail(format!(
                    "`{}` is {value}, not {must_be} {threshold}",
                    self.settings.query
                ));
            }
        }
        Verdict::Pass
    }
}

/// An answer of the API for instant queries.
#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    /// Of a form that depends on the type.
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Sample {
    value: Point,
}

/// A time, and a value as text.
#[derive(Deserialize)]
struct Point(serde::de::IgnoredAny, String);

impl Answer {
    fn values(self) -> Result<Vec<f64>, String> {
        if self.status != "success" {
            let why = self.error.as_deref().unwrap_or("it does not say why");
            return Err(format!("Prometheus refuses the query: {why}"));
        }
        let Some(data) = self.data else { return Err("Prometheus gave no data".to_owned()) };
        let broken =
            |error| format!("Prometheus gave a {} that is none: {error}", data.result_type);
        let points: Vec<Point> = match data.result_type.as_str() {
            "vector" => {
                let samples: Vec<Sample> = serde_json::from_value(data.result).map_err(broken)?;
                samples.into_iter().map(|sample| sample.value).collect()
            }
            "scalar" => vec![serde_json::from_value(data.result).map_err(broken)?],
            other => return Err(format!("the query gives a {other}, not a vector or a scalar")),
        };
        let number = |Point(_, text): Point| {
            text.parse().map_err(|_| format!("Prometheus gave `{text}` for a number"))
        };
        points.into_iter().map(number).collect()
    }
}

fn filled(query: &str, context: &StepContext) -> String {
    query
        .replace("${environment}", &context.environment)
        .replace("${slot}", &context.slot.to_string())
        .replace("${version}", &context.release.version.to_string())
        .replace("${release}", &context.release.id.to_string())
}

impl HealthProbe for MetricProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        async move {
            match self.ask(target).await {
                Ok(response) => self.judge(&response),
                Err(why) => Verdict::no_data(why),
            }
        }
        .boxed()
    }
}
