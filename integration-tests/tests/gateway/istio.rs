//! The EnvoyFilter for Istio: an Envoy that gets what istiod makes of it serves, fails over, probes and injects keys.
//!
//! `data/istiod-1.31.json` is what a real istiod sent by ADS, with places for ports and files. Where `KT_TEST_ISTIOD` names a
//! `pilot-discovery` (`scripts/setup-istiod` builds it), one is asked, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::{Behaviour, Client, Dialect, PATIENCE, Provider, ReservedPort, repository, tool};
use serde_json::{Value, json};

const KEPT: &str = "integration-tests/data/istiod-1.31.json";

/// Processes that end with the test.
#[derive(Default)]
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Processes {
    fn start(&mut self, command: &mut Command, log: &Path) {
        let log = fs::File::create(log).unwrap();
        let errors = log.try_clone().unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn();
        self.0.push(child.unwrap());
    }
}

/// An ingress gateway's surroundings: two providers, keys in a folder, free ports.
struct Ingress {
    processes: Processes,
    folder: tempfile::TempDir,
    providers: [Provider; 2],
    listen: u16,
    admin: u16,
    client: Client,
}

impl Ingress {
    async fn new() -> Self {
        let mut providers = Vec::new();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("keys")).unwrap();
        for name in ["p0", "p1"] {
            let provider = Provider::start(name, Dialect::OpenAi).await.unwrap();
            provider.accept_keys(&[&format!("key-of-{name}")]);
            providers.push(provider);
            let key = folder
                .path()
                .join("keys")
                .join(name.to_uppercase() + "_KEY");
            fs::write(&key, format!("key-of-{name}")).unwrap();
            let secret = json!({ "resources": [{
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
                "name": format!("kt/{name}"),
                "generic_secret": { "secret": { "filename": key } },
            }] });
            let file = folder.path().join(format!("keys/target-{name}.json"));
            fs::write(file, secret.to_string()).unwrap();
        }
        let listen = free_port();
        Self {
            processes: Processes::default(),
            folder,
            providers: providers.try_into().ok().unwrap(),
            listen,
            admin: free_port(),
            client: Client::new(format!("http://127.0.0.1:{listen}")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_envoy(&mut self, dynamic_resources: &Value, static_resources: &Value) {
        let bootstrap = json!({
            "node": {
                "id": "router~127.0.0.1~gw.istio-ingress~istio-ingress.svc.cluster.local",
                "cluster": "gw.istio-ingress",
                "metadata": {
                    "NAMESPACE": "istio-ingress",
                    "LABELS": { "istio": "ingress" },
                    "ISTIO_VERSION": "1.31.0",
                    "CLUSTER_ID": "Kubernetes",
                },
            },
            "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": self.admin } } },
            // Istio's own bootstrap has it.
            "bootstrap_extensions": [{
                "name": "envoy.bootstrap.internal_listener",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
                    "buffer_size_kb": 64,
                },
            }],
            "dynamic_resources": dynamic_resources,
            "static_resources": static_resources,
        });
        let file = self.path("bootstrap.json");
        fs::write(&file, bootstrap.to_string()).unwrap();
        let envoy = std::env::var_os("ENVOY_BIN").map_or_else(|| "envoy".into(), PathBuf::from);
        let mut command = Command::new(envoy);
        command.args([
            "--concurrency",
            "2",
            "--use-dynamic-base-id",
            "-l",
            "warning",
            "-c",
        ]);
        let log = self.path("envoy.log");
        self.processes.start(command.arg(&file), &log);
    }

    async fn until_it_listens(&self) {
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", self.listen))
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(2 * PATIENCE, listens).await;
        let log = fs::read_to_string(self.path("envoy.log")).unwrap();
        assert!(in_time.is_ok(), "nobody listens: {log}");
    }

    /// Serves, fails over, probes, and shows each provider its own key.
    async fn assert_serves(&self) {
        let answer = self.client.chat("chain").await;
        let said = String::from_utf8_lossy(&answer.body);
        assert_eq!((answer.status, answer.provider()), (200, "p0"), "{said}");
        self.providers[0].behave(Behaviour::status(500));
        let answer = self.client.chat("chain").await;
        assert_eq!((answer.status, answer.provider()), (200, "p1"));
        let stream = self.client.chat_stream("chain").await;
        assert_eq!(stream.data().last().map(|data| &**data), Some("[DONE]"));
        let probed = |provider: &Provider| {
            let received = provider.all_received();
            received.iter().any(|request| request.method == "GET")
        };
        let all_probed = async {
            while !self.providers.iter().all(probed) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, all_probed).await;
        assert!(in_time.is_ok(), "a provider is not probed");
        for (provider, key) in self.providers.iter().zip(["key-of-p0", "key-of-p1"]) {
            for request in provider.all_received() {
                let shown: Vec<&str> = request
                    .headers
                    .iter()
                    .filter(|(name, _)| name == "authorization")
                    .map(|(_, value)| &**value)
                    .collect();
                assert_eq!(shown, [format!("Bearer {key}")], "{}", request.path);
            }
        }
    }
}

fn free_port() -> u16 {
    ReservedPort::loopback().unwrap().address().port()
}

fn module() -> String {
    std::env::var("KEEPTRUSTS_FILTER_WASM").expect("KEEPTRUSTS_FILTER_WASM, as `make test` sets it")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_istiod_has_sent_serves_and_fails_over() {
    let mut ingress = Ingress::new().await;
    let mut text = fs::read_to_string(repository().join(KEPT)).unwrap();
    for (place, port) in [
        ("@P0@", ingress.providers[0].address().port()),
        ("@P1@", ingress.providers[1].address().port()),
        ("@LISTEN@", ingress.listen),
        ("@ADMIN@", ingress.admin),
    ] {
        text = text.replace(&format!("\"{place}\""), &port.to_string());
        text = text.replace(place, &port.to_string());
    }
    text = text.replace("@MODULE@", &module());
    text = text.replace("@KEYS@", ingress.path("keys").to_str().unwrap());
    let mut sent: Value = serde_json::from_str(&text).unwrap();
    let extensions = sent["extensions"].take();
    let mut names = Vec::new();
    for extension in extensions.as_array().unwrap() {
        let name = extension["name"].as_str().unwrap();
        names.push(name.to_owned());
        let file = ingress.path(&format!("{name}.json"));
        fs::write(file, json!({ "resources": [extension] }).to_string()).unwrap();
    }
    names.sort();
    assert_eq!(names, ["kt_gateway", "kt_hop", "kt_monitor", "kt_target"]);
    discover_in_files(&mut sent, ingress.folder.path());
    for kind in ["clusters", "listeners"] {
        let response = json!({ "resources": sent[kind] }).to_string();
        fs::write(ingress.path(&format!("{kind}.json")), response).unwrap();
    }
    let source = |kind: &str| {
        json!({
            "resource_api_version": "V3",
            "path_config_source": { "path": ingress.path(&format!("{kind}.json")) },
        })
    };
    let dynamic = json!({ "cds_config": source("clusters"), "lds_config": source("listeners") });
    ingress.start_envoy(&dynamic, &json!({}));
    ingress.until_it_listens().await;
    ingress.assert_serves().await;
}

/// Extensions come from files in place of ADS.
fn discover_in_files(value: &mut Value, folder: &Path) {
    if value.get("config_discovery").is_some() {
        let name = value["name"].as_str().unwrap_or_default();
        let path = folder.join(format!("{name}.json"));
        value["config_discovery"]["config_source"] =
            json!({ "resource_api_version": "V3", "path_config_source": { "path": path } });
    }
    match value {
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|inner| discover_in_files(inner, folder)),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|inner| discover_in_files(inner, folder)),
        _ => {}
    }
}

fn policy(ingress: &Ingress, model: &str) -> String {
    let target = |index: usize| {
        let port = ingress.providers[index].address().port();
        format!(
            "    - {{id: p{index}, provider: {{base_url: 'http://127.0.0.1:{port}/v1', type: openai-compatible, \
             secret_key_ref: {{env: P{index}_KEY}}}}, timeout_ms: 5000}}\n"
        )
    };
    format!(
        "providers:\n  health_check: {{interval_seconds: 1, timeout_seconds: 1}}\n  targets:\n{}{}model_groups:\n  \
         - {{name: {model}, models: [{{provider: p0, model: m0}}, {{provider: p1, model: m1, timeout_ms: 3000}}]}}\n",
        target(0),
        target(1)
    )
}

/// Puts the EnvoyFilter for `policy` where istiod reads it.
fn apply(ingress: &Ingress, policy: &str) {
    let file = ingress.path("policy-config.yaml");
    fs::write(&file, policy).unwrap();
    let output = Command::new(tool("kt"))
        .args([
            "envoy",
            "render",
            "--target",
            "istio-envoyfilter",
            "--policy-config",
        ])
        .arg(&file)
        .args(["--filter-wasm", &module()])
        .args(["--listen", &format!("127.0.0.1:{}", ingress.listen)])
        .args(["--admin-listen", &format!("127.0.0.1:{}", ingress.admin)])
        .output()
        .unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed = printed.replace(
        "/etc/keeptrusts/keys",
        ingress.path("keys").to_str().unwrap(),
    );
    let (_, filter) = printed.split_once("\n---\n").expect("two objects");
    let next = ingress.path("next.yaml");
    fs::write(&next, filter).unwrap();
    fs::rename(next, ingress.path("config/keeptrusts.yaml")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_istiod_serves_it_and_takes_changes_over() {
    let Some(istiod) = std::env::var_os("KT_TEST_ISTIOD") else {
        println!(
            "not run: KT_TEST_ISTIOD names no pilot-discovery (scripts/setup-istiod builds one)"
        );
        return;
    };
    let mut ingress = Ingress::new().await;
    fs::create_dir(ingress.path("config")).unwrap();
    apply(&ingress, &policy(&ingress, "chain"));
    let (kubernetes, discovery, http, monitoring) =
        (free_port(), free_port(), free_port(), free_port());
    let api = repository().join("integration-tests/python/kubernetes_api.py");
    let log = ingress.path("kubernetes.log");
    let mut command = Command::new("python3");
    command.arg(api).arg(kubernetes.to_string());
    ingress.processes.start(&mut command, &log);
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "c", "cluster": { "server": format!("http://127.0.0.1:{kubernetes}") } }],
        "users": [{ "name": "u", "user": {} }],
        "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "x",
    });
    fs::write(ingress.path("kubeconfig"), kubeconfig.to_string()).unwrap();
    fs::write(ingress.path("mesh.yaml"), "{}").unwrap();
    let log = ingress.path("istiod.log");
    let mut command = Command::new(istiod);
    command
        .current_dir(ingress.folder.path())
        .env("POD_NAMESPACE", "istio-system")
        .env("POD_NAME", "istiod")
        .env("PILOT_CERT_PROVIDER", "none")
        .env("ENABLE_CA_SERVER", "false")
        .args([
            "discovery",
            "--configDir",
            "config",
            "--registries=Kubernetes",
        ])
        .args(["--kubeconfig", "kubeconfig", "--meshConfig", "mesh.yaml"])
        .args(["--grpcAddr", &format!("127.0.0.1:{discovery}")])
        .args(["--httpAddr", &format!("127.0.0.1:{http}")])
        .args(["--monitoringAddr", &format!("127.0.0.1:{monitoring}")])
        .args(["--httpsAddr", "", "--secureGRPCAddr", ""])
        .args(["--ctrlz_address", "127.0.0.1", "--ctrlz_port", "0"]);
    ingress.processes.start(&mut command, &log);
    let by_ads = json!({ "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" });
    let dynamic = json!({
        "ads_config": {
            "api_type": "GRPC",
            "transport_api_version": "V3",
            "set_node_on_first_message_only": true,
            "grpc_services": [{ "envoy_grpc": { "cluster_name": "xds-grpc" } }],
        },
        "cds_config": by_ads,
        "lds_config": by_ads,
    });
    let address = json!({ "socket_address": { "address": "127.0.0.1", "port_value": discovery } });
    const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let istiod = json!({ "clusters": [{
        "name": "xds-grpc",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "xds-grpc",
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
        },
        "typed_extension_protocol_options": { OPTIONS: {
            "@type": format!("type.googleapis.com/{OPTIONS}"),
            "explicit_http_config": { "http2_protocol_options": {} },
        } },
    }] });
    ingress.start_envoy(&dynamic, &istiod);
    ingress.until_it_listens().await;
    ingress.assert_serves().await;

    apply(&ingress, &policy(&ingress, "renamed"));
    let renamed = async {
        while ingress.client.chat("renamed").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, renamed).await;
    assert!(in_time.is_ok(), "the changed policy is not in force");
}
