//! Puts together what a gateway is made of, from the command line to an Envoy that can be started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use envoy::live;

use super::Settings;
use super::access_log::AccessLog;
use super::admin::AdminClient;
use super::change::Served;
use super::envoy_process::{EnvoyProcess, Start};
use super::evidence::Evidence;
use super::follow::{Follower, report, say_what_was_loaded};
use super::keys::KeySource;
use super::place::{self, Place};
use super::run_directory::{self, RunDirectory};
use super::simulation::{self, Simulation};
use super::surroundings::{access_log, admin_address, check_port, run_root};
use super::watch::Watch;
use crate::commands::Failure;
use crate::paths::{self, variable};
use crate::secrets::Secrets;
use crate::{find, policy_file, telemetry};

/// A gateway whose Envoy does not run yet.
pub(crate) struct Parts {
    /// What takes changes over.
    pub(crate) follower: Follower<'static>,
    /// Where Envoy reads from.
    pub(crate) directory: PathBuf,
    binary: PathBuf,
}

/// Checks everything that can go wrong before Envoy starts, and writes its files.
pub(crate) async fn assemble(settings: &Settings) -> Result<Parts, Failure> {
    let secrets = secrets(settings);
    let file = &settings.policy_config;
    let document = policy_file::read(file, &secrets).inspect_err(report)?;
    say_what_was_loaded(&document, file);

    let kt = std::env::current_exe().ok();
    let module = find::module(settings.filter_wasm.as_deref(), kt.as_deref())?;
    let binary = find::envoy(&variable, kt.as_deref())?;
    let envoy_version = find::envoy_version(&binary)?;
    check_port(settings.listen)?;

    let data_folder = data_folder(settings.data_dir.as_deref())?;
    let instance_id = place::instance_id()?;
    let evidence = Evidence::prepare(
        &settings.evidence,
        &data_folder,
        &document.policy,
        settings.listen,
        &instance_id,
        telemetry::otlp_settings(&document.policy, &secrets),
    )?;
    if evidence.own.is_none() && telemetry::exports(&document.policy) {
        log::warn!(
            target: "keeptrusts::telemetry",
            "Nothing is exported by OTLP from here: the collector does that; start it with `kt collector run --policy-config`"
        );
    }
    let directory = RunDirectory::create(&run_root(&data_folder))?;
    let path = directory.path().to_owned();
    if let Some(token) = &evidence.token {
        directory.folder(live::SECRETS)?;
        let secret = live::collector_secret(token);
        directory.write(
            live::COLLECTOR_SECRET,
            &live::discovery_response("1", [&secret]),
        )?;
    }
    let access_log = access_log(settings.access_log.as_deref(), &data_folder);
    let admin = admin_address(settings.admin_listen, &path)?;
    let mut simulation = settings.simulate.then(Simulation::default);
    let place = Place {
        module: module.to_string_lossy().into_owned(),
        gateway_id: place::gateway_id(&data_folder)?,
        instance_id,
        collector: evidence.cluster.clone(),
        keys_required: evidence.keys_required,
        auth: evidence.auth,
        known_control: place::known_control(&evidence.known)?,
        listen: settings.listen,
        admin: admin.clone(),
        ca_file: find::ca_file(&variable),
        access_log: access_log.path(),
        envoy_version,
        simulated: settings.simulate,
        addresses: match &mut simulation {
            Some(simulation) => simulation.addresses(&document.policy).await?,
            None => BTreeMap::new(),
        },
    };
    let source = if settings.simulate {
        KeySource::Simulated
    } else {
        KeySource::Real(secrets.clone())
    };
    let watch = Watch::new(file.clone(), document.text.clone());
    let follower = Follower {
        served: Served::prepare(directory, place, source, document).await?,
        watch,
        secrets,
        simulation,
        access_log,
        admin: AdminClient::new(admin),
        evidence,
        unreadable: None,
        postponed: None,
    };
    Ok(Parts {
        follower,
        directory: path,
        binary,
    })
}

impl Parts {
    /// Starts Envoy. It must not outlive the parts: they hold its files.
    pub(crate) fn start_envoy(&self, settings: &Settings) -> Result<EnvoyProcess, Failure> {
        let start = Start {
            binary: &self.binary,
            bootstrap: &self.directory.join(envoy::live::BOOTSTRAP),
            concurrency: settings.concurrency,
            log_level: &settings.envoy_log_level,
            shares_stdout: self.follower.access_log == AccessLog::Stdout,
        };
        EnvoyProcess::start(&start)
            .map_err(|error| format!("cannot start {}: {error}", self.binary.display()).into())
    }
}

fn secrets(settings: &Settings) -> Secrets<'static> {
    Secrets {
        folder: paths::secrets_folder(&variable, settings.data_dir.clone()),
        variables: if settings.simulate {
            &simulation::variable
        } else {
            &variable
        },
    }
}

fn data_folder(chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = chosen.map_or_else(|| paths::data_folder(&variable), Path::to_owned);
    let folder = std::path::absolute(folder)?;
    run_directory::private_folder(&folder)
        .map_err(|error| format!("cannot use {}: {error}", folder.display()))?;
    Ok(folder)
}
