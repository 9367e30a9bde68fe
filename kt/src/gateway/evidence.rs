//! Where the gateway's events go, and who knows its keys and budgets: a collector in this process, one elsewhere, or
//! nobody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;

use collector::{
    Api, AuditScope, Collector, KeyRule, LoginSettings, OtlpSettings, Rules, Running,
    StoreLocation, Tokens,
};
use envoy::AuthRule;
use events::KnownControl;
use policy::{BaseUrl, ContentPolicyKind, Policy};

use super::external::Question;
use super::known_control::{Memory, Remembering};
use crate::commands::Failure;
use crate::explain;

/// What the command line says of it.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceSettings {
    pub(crate) collector: CollectorChoice,
    /// `None`: below the data folder.
    pub(crate) store: Option<StoreLocation>,
    pub(crate) keys: KeyRule,
    /// Who may sign in to the console beside whoever has the API token; only with a collector of its own.
    pub(crate) login: Option<LoginSettings>,
}

/// Which collector.
#[derive(Debug, Clone)]
pub(crate) enum CollectorChoice {
    /// In this process.
    Own(SocketAddr),
    /// Run by somebody else; its token for gateways, where it has one.
    Elsewhere {
        address: BaseUrl,
        token: Option<String>,
    },
    /// None: no events, no keys, no budgets.
    Off,
}

/// A collector that is ready for events.
#[derive(Default)]
pub(crate) struct Evidence {
    /// The one in this process.
    pub(crate) own: Option<Running>,
    /// For Envoy.
    pub(crate) cluster: Option<envoy::Collector>,
    /// For Envoy alone.
    pub(crate) token: Option<String>,
    /// Nobody gets in without a key, from the first request on.
    pub(crate) keys_required: bool,
    /// The command line's word on keys, which goes before the collector's.
    pub(crate) auth: AuthRule,
    /// What this gateway has heard of its collector, for the filter.
    pub(crate) known: KnownControl,
    /// Goes on hearing.
    _remembering: Option<Remembering>,
    keys: KeyRule,
}

impl Evidence {
    /// Starts or asks the collector, and refuses to open the gateway to the network for everybody.
    pub(crate) fn prepare(
        settings: &EvidenceSettings,
        data_folder: &Path,
        policy: &Policy,
        listen: SocketAddr,
        instance_id: &str,
        telemetry: OtlpSettings,
    ) -> Result<Self, Failure> {
        let memory = Memory::load(data_folder);
        let mut evidence = match &settings.collector {
            CollectorChoice::Own(address) => {
                let place = Place {
                    address: *address,
                    data_folder,
                    instance_id,
                };
                own(settings, &place, policy, memory, telemetry)?
            }
            CollectorChoice::Elsewhere { address, token } => {
                let question = Question {
                    collector: address.clone(),
                    token: token.clone(),
                    instance_id: instance_id.to_owned(),
                };
                elsewhere(question, settings.keys, memory)?
            }
            CollectorChoice::Off if settings.keys == KeyRule::Always => {
                return Err("--require-keys needs a collector: nobody else knows the keys".into());
            }
            CollectorChoice::Off
                if settings.keys == KeyRule::OnceCreated && memory.known.keys_were_required =>
            {
                return Err(
                    "this gateway has required keys, and without a collector nobody knows them: name one with --collector-url \
                     or --collector-listen, or let everybody in with --allow-anonymous"
                        .into(),
                );
            }
            CollectorChoice::Off => Self::default(),
        };
        evidence.keys = settings.keys;
        evidence.auth = match settings.keys {
            KeyRule::OnceCreated => AuthRule::Collector,
            KeyRule::Always => AuthRule::Required,
            KeyRule::Never => AuthRule::Disabled,
        };
        let everybody = !evidence.keys_required && settings.keys != KeyRule::Never;
        if everybody && !listen.ip().is_loopback() {
            return Err(format!(
                "refusing to listen on {listen} without a gateway key: whoever reaches it would spend the providers' keys. \
                 Make one with `kt tokens create --type gateway --name NAME`, or let everybody in with --allow-anonymous"
            )
            .into());
        }
        Ok(evidence)
    }

    /// Follows a changed policy.
    pub(crate) fn follow(&self, policy: &Policy, telemetry: &OtlpSettings) {
        if let Some(own) = &self.own {
            own.set_rules(rules(policy, self.keys));
            if let Err(error) = own.set_telemetry(telemetry) {
                log::error!(target: "keeptrusts::telemetry", "Telemetry is not exported: {error}");
            }
        }
    }
}

/// Where a collector of this process runs, and for whom.
struct Place<'a> {
    address: SocketAddr,
    data_folder: &'a Path,
    instance_id: &'a str,
}

fn own(
    settings: &EvidenceSettings,
    place: &Place<'_>,
    policy: &Policy,
    mut memory: Memory,
    telemetry: OtlpSettings,
) -> Result<Evidence, Failure> {
    let &Place {
        address,
        data_folder,
        instance_id,
    } = place;
    let listener = TcpListener::bind(address).map_err(|error| {
        format!(
            "the collector cannot listen on {address}: {error} (choose another address with --collector-listen, or `off`)"
        )
    })?;
    let tokens = Tokens::load_or_create(data_folder)?;
    let token = tokens.ingest.clone();
    let mut collector = Collector::open(collector::Settings {
        store: settings
            .store
            .clone()
            .unwrap_or_else(|| StoreLocation::below(data_folder)),
        data_dir: data_folder.to_owned(),
        tokens,
        rules: rules(policy, settings.keys),
        max_batch_bytes: collector::MAX_BATCH_BYTES,
        telemetry,
        max_connections: collector::default_max_connections(),
    })?;
    let mut keys_required = collector.keys_required()?;
    if settings.keys == KeyRule::OnceCreated && memory.known.keys_were_required && !keys_required {
        log::warn!(
            target: "keeptrusts::collector",
            "The store knows of no gateway keys, but there were some: requests go on needing a key; make new ones with \
             `kt tokens create`, or let everybody in with --allow-anonymous"
        );
        keys_required = true;
    }
    for budget in collector.api().budgets()? {
        let is_meant = |target: &policy::Target| {
            target.id == budget.provider || target.vendor.name() == budget.provider
        };
        if budget.error.is_none() && !policy.targets.iter().any(is_meant) {
            log::warn!(
                target: "keeptrusts::collector",
                "The budget of provider {:?} stops nobody: the policy has no target of this name or vendor",
                budget.provider
            );
        }
    }
    collector = collector.with_explainer(explain::explainer());
    if let Some(login) = &settings.login {
        collector = collector.with_login(login.clone());
    }
    let running = collector.start(listener)?;
    log::info!(target: "keeptrusts::collector", "Listening on http://{}", running.address());
    let question = Question {
        collector: reached_at(running.address()),
        token: Some(token.clone()),
        instance_id: instance_id.to_owned(),
    };
    // The thread asks again where this one gets no answer.
    if let Ok(heard) = question.ask() {
        memory.learn(heard);
    }
    Ok(Evidence {
        cluster: Some(envoy::Collector {
            address: question.collector.clone(),
            with_token: true,
        }),
        own: Some(running),
        token: Some(token),
        keys_required,
        known: memory.known.to_remember(),
        _remembering: Some(memory.keep_learning(question)?),
        ..Evidence::default()
    })
}

fn elsewhere(question: Question, keys: KeyRule, mut memory: Memory) -> Result<Evidence, Failure> {
    let keys_required = match keys {
        KeyRule::Never => false,
        KeyRule::Always => true,
        KeyRule::OnceCreated => match question.ask() {
            Ok(heard) => {
                memory.learn(heard);
                memory.known.state.keys_required
            }
            Err(error) => {
                log::warn!(
                    target: "keeptrusts::collector",
                    "The collector at {} cannot be asked: {error}; requests need a key until it answers",
                    question.collector.authority()
                );
                true
            }
        },
    };
    Ok(Evidence {
        cluster: Some(envoy::Collector {
            address: question.collector.clone(),
            with_token: question.token.is_some(),
        }),
        token: question.token.clone(),
        keys_required,
        known: memory.known.to_remember(),
        _remembering: Some(memory.keep_learning(question)?),
        ..Evidence::default()
    })
}

/// What the policy's `audit-logger` asks for, and the command line's word on keys.
fn rules(policy: &Policy, keys: KeyRule) -> Rules {
    let mut rules = Rules {
        keys,
        ..Rules::default()
    };
    for content_policy in &policy.content_policies {
        if let ContentPolicyKind::AuditLogger {
            immutable,
            retention_days,
            log_all_access,
        } = &content_policy.kind
        {
            rules.retention_days = Some(*retention_days);
            rules.audit = immutable.then_some(if *log_all_access {
                AuditScope::EveryDecision
            } else {
                AuditScope::BlockedAndFlagged
            });
        }
    }
    rules
}

/// How this machine reaches what listens on `address`.
pub(super) fn reached_at(address: SocketAddr) -> BaseUrl {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    BaseUrl {
        tls: false,
        host: ip.to_string(),
        port: address.port(),
        path: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(audit: &str) -> Policy {
        let text = format!(
            "providers:\n  targets:\n    - {{ id: a, provider: openai, secret_key_ref: {{ env: A }} }}\n\
             policies:\n  chain: [audit-logger]\npolicy:\n  audit-logger: {audit}\n"
        );
        let loaded = policy::load(&text);
        loaded
            .policy
            .unwrap_or_else(|| panic!("{:#?}", loaded.findings))
    }

    #[test]
    fn the_audit_logger_says_what_is_kept_and_how_long() {
        for (audit, retention, scope) in [
            (
                "{ immutable: true, retention_days: 365, log_all_access: true }",
                Some(365),
                Some(AuditScope::EveryDecision),
            ),
            (
                "{ immutable: true, retention_days: 30, log_all_access: false }",
                Some(30),
                Some(AuditScope::BlockedAndFlagged),
            ),
            (
                "{ immutable: false, retention_days: 7, log_all_access: true }",
                Some(7),
                None,
            ),
        ] {
            let rules = rules(&policy(audit), KeyRule::Always);
            assert_eq!(
                (rules.retention_days, rules.audit, rules.keys),
                (retention, scope, KeyRule::Always),
                "{audit}"
            );
        }
    }

    #[test]
    fn without_a_collector_the_network_is_let_in_only_by_name() {
        let policy = policy("{ retention_days: 1 }");
        let prepare = |keys, listen: &str| {
            let settings = EvidenceSettings {
                login: None,
                collector: CollectorChoice::Off,
                store: None,
                keys,
            };
            let folder = Path::new("/nowhere");
            Evidence::prepare(
                &settings,
                folder,
                &policy,
                listen.parse().unwrap(),
                "in_1",
                OtlpSettings::default(),
            )
            .map(|_| ())
            .map_err(|error| error.to_string())
        };
        assert!(prepare(KeyRule::OnceCreated, "127.0.0.1:0").is_ok());
        assert!(prepare(KeyRule::OnceCreated, "[::1]:0").is_ok());
        assert!(prepare(KeyRule::Never, "0.0.0.0:0").is_ok());
        let refused = prepare(KeyRule::OnceCreated, "0.0.0.0:41002").unwrap_err();
        assert!(refused.contains("--allow-anonymous") && !refused.contains('\n'));
        assert!(prepare(KeyRule::Always, "127.0.0.1:0").is_err());
    }

    #[test]
    fn whoever_required_keys_does_not_open_without_a_collector() {
        let folder = tempfile::tempdir().unwrap();
        let heard = serde_json::json!({"version": "1", "keys_required": true});
        let mut memory = Memory::load(folder.path());
        memory.learn(serde_json::from_value(heard).unwrap());
        let policy = policy("{ retention_days: 1 }");
        let prepare = |keys| {
            let settings = EvidenceSettings {
                login: None,
                collector: CollectorChoice::Off,
                store: None,
                keys,
            };
            let listen = "127.0.0.1:0".parse().unwrap();
            Evidence::prepare(
                &settings,
                folder.path(),
                &policy,
                listen,
                "in_1",
                OtlpSettings::default(),
            )
            .map(|evidence| evidence.auth)
            .map_err(|error| error.to_string())
        };
        let refused = prepare(KeyRule::OnceCreated).unwrap_err();
        assert!(refused.contains("--allow-anonymous"), "{refused}");
        assert_eq!(prepare(KeyRule::Never), Ok(AuthRule::Disabled));
    }

    #[test]
    fn a_collector_that_listens_everywhere_is_reached_on_loopback() {
        for (address, authority) in [
            ("0.0.0.0:41003", "127.0.0.1:41003"),
            ("[::]:41003", "[::1]:41003"),
            ("10.1.2.3:5", "10.1.2.3:5"),
        ] {
            assert_eq!(reached_at(address.parse().unwrap()).authority(), authority);
        }
    }
}
