//! Sending OpenLineage events to a server.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::env::{Environment, OPENLINEAGE_KEY};
use crate::error::{CliError, Kind};

/// Where servers take events (Marquez, and what is compatible with it).
const ENDPOINT: &str = "/api/v1/lineage";

/// A server that has not answered by then is not going to.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of what a server says of a failure that are shown.
const ANSWER_MAX: usize = 300;

/// Sends the events, in order.
pub(super) fn send(events: &[Value], url: &str, environment: &Environment) -> Result<(), CliError> {
    let url = url.trim_end_matches('/');
    let address = if url.ends_with(ENDPOINT) { url.to_owned() } else { format!("{url}{ENDPOINT}") };
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
    let agent = Agent::new_with_config(config);
    for (sent, event) in events.iter().enumerate() {
        let mut request = agent.post(&address).header("content-type", "application/json");
        if let Some(key) = environment.openlineage_key() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let so_far = format!("{sent} of {} events have been sent", events.len());
        let failure = |message: String| CliError::new(Kind::Environment, message).with_hint(so_far);
        match request.send(event.to_string()) {
            Ok(answer) if answer.status().is_success() => {}
            Ok(mut answer) => {
                let status = answer.status();
                let said: String =
                    answer.body_mut().read_to_string().unwrap_or_default().chars().take(ANSWER_MAX).collect();
                let failure = failure(format!("{address} answered {status}: {}", said.trim()));
                let is_refused = matches!(status.as_u16(), 401 | 403);
                return Err(match is_refused {
                    true => {
                        failure.with_hint(format!("set {OPENLINEAGE_KEY} to a key that the server knows"))
                    }
                    false => failure,
                });
            }
            Err(error) => {
                return Err(failure(format!("cannot send events to {address}: {error}"))
                    .with_hint("check the address, and that the server runs"));
            }
        }
    }
    Ok(())
}
