//! Do providers answer, and do they know the key? Asked as the gateway's probes ask: nothing is generated.

use std::thread;
use std::time::{Duration, Instant};

use policy::{Policy, Target};
use ureq::Error;
use ureq::http::StatusCode;

use super::models;
use super::report::Finding;
use crate::commands::Failure;
use crate::http::agent;
use crate::secrets::Secrets;

/// Longest list of models that is read, in bytes.
const MAX_LIST_BYTES: u64 = 4 << 20;

/// One finding for each target, and one more where its models are not what the policy takes them for.
pub(crate) fn findings(policy: &Policy, secrets: &Secrets) -> Vec<Finding> {
    let questions: Vec<_> = policy
        .targets
        .iter()
        .map(|target| (target, Question::about(target, secrets)))
        .collect();
    thread::scope(|scope| {
        let answers: Vec<_> = questions
            .into_iter()
            .map(|(target, question)| (target, scope.spawn(move || question.ask())))
            .collect();
        answers
            .into_iter()
            .flat_map(|(target, answer)| {
                let check = format!("provider {}", target.id);
                let answer = match answer.join() {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(error)) => return vec![Finding::failed(check, error.to_string())],
                    Err(_) => return vec![Finding::failed(check, "kt failed while it asked")],
                };
                let mut findings = vec![judge(check, target, &answer)];
                findings.extend(models::finding(policy, target, &answer.listed));
                findings
            })
            .collect()
    })
}

/// What is sent.
struct Question {
    url: String,
    headers: Vec<(String, String)>,
    patience: Duration,
}

/// What came back.
struct Answer {
    url: String,
    outcome: Result<StatusCode, String>,
    latency_ms: u64,
    /// The models that it lists; empty where it lists none, or not all of them.
    listed: Vec<String>,
}

impl Question {
    fn about(target: &Target, secrets: &Secrets) -> Self {
        let base = &target.base_url;
        let scheme = base.scheme();
        let path = target
            .probe_path()
            .unwrap_or_else(|| format!("{}/", base.path));
        let profile = target.vendor.profile();
        let mut headers: Vec<(String, String)> = profile
            .probe_headers
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // A key that is not there has its own finding.
        if let Ok(Some(key)) = secrets.key(&target.credential) {
            let value = format!("{}{}", profile.auth.prefix, key.expose());
            headers.push((profile.auth.name.to_owned(), value));
        }
        Self {
            url: format!("{scheme}://{}{path}", base.authority()),
            headers,
            patience: Duration::from_millis(target.health_check.timeout_ms),
        }
    }

    fn ask(self) -> Result<Answer, String> {
        let agent = agent(self.patience).map_err(|error: Failure| error.to_string())?;
        let mut request = agent.get(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let begin = Instant::now();
        let mut listed = Vec::new();
        let outcome = match request.call() {
            Ok(mut answer) => {
                let body = answer.body_mut().with_config().limit(MAX_LIST_BYTES);
                listed = models::listed(&body.read_to_vec().unwrap_or_default());
                Ok(answer.status())
            }
            Err(Error::Timeout(_)) => {
                Err(format!("no answer within {} ms", self.patience.as_millis()))
            }
            Err(Error::HostNotFound) => Err("its name cannot be resolved".to_owned()),
            Err(Error::Io(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        Ok(Answer {
            url: self.url,
            outcome,
            latency_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
            listed,
        })
    }
}

fn judge(check: String, target: &Target, answer: &Answer) -> Finding {
    let url = &answer.url;
    let status = match &answer.outcome {
        Err(reason) => return Finding::failed(check, format!("GET {url}: {reason}")),
        Ok(status) => *status,
    };
    let expected = &target.health_check.expected_statuses;
    let is_expected = if expected.is_empty() {
        status.is_success()
    } else {
        expected.contains(&status.as_u16())
    };
    let finding = match status.as_u16() {
        // Without a free question any answer shows that somebody is there.
        _ if target.probe_path().is_none() => Finding::ok(
            check,
            format!(
                "{url} is reachable; the key is not tried, there is no question that costs nothing"
            ),
        ),
        _ if is_expected => Finding::ok(check, format!("GET {url}: {status}")),
        401 | 403 => Finding::failed(
            check,
            format!("GET {url}: {status}: it does not take the key"),
        ),
        404 => Finding::failed(
            check,
            format!(
                "GET {url}: {status}: is the base URL right? health_check.path names another question"
            ),
        ),
        429 => Finding::warning(
            check,
            format!("GET {url}: {status}: it is there, and limits requests now"),
        ),
        _ => Finding::failed(check, format!("GET {url}: {status}")),
    };
    finding.after(answer.latency_ms)
}
