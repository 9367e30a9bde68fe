//! The image of the filter module: read back, it holds the module, and it is the same each time.

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::repository;
use serde_json::Value;

use crate::inert_module::INERT_MODULE;

fn write(module: &Path, folder: &Path) -> String {
    let output = Command::new("python3")
        .arg(repository().join("scripts/image"))
        .args([module, folder])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    fs::read_to_string(folder.join("index.json")).unwrap()
}

fn blob(folder: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap();
    let file = folder.join("blobs").join(digest.replace(':', "/"));
    let content = fs::read(file).unwrap();
    assert_eq!(descriptor["size"], content.len());
    content
}

fn document(folder: &Path, descriptor: &Value) -> Value {
    serde_json::from_slice(&blob(folder, descriptor)).unwrap()
}

#[test]
fn an_image_holds_the_module_for_every_platform_and_is_reproducible() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("filter.wasm");
    fs::write(&module, INERT_MODULE).unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let index = write(&module, &first);
    assert_eq!(index, write(&module, &second));

    let index: Value = serde_json::from_str(&index).unwrap();
    let images = document(&first, &index["manifests"][0]);
    let mut platforms = Vec::new();
    for descriptor in images["manifests"].as_array().unwrap() {
        platforms.push(descriptor["platform"]["architecture"].as_str().unwrap());
        let manifest = document(&first, descriptor);
        let layer = &manifest["layers"][0];
        assert_eq!(
            layer["mediaType"],
            "application/vnd.oci.image.layer.v1.tar+gzip"
        );
        let packed = folder.path().join("layer.tar.gz");
        fs::write(&packed, blob(&first, layer)).unwrap();
        let unpacked = Command::new("tar")
            .arg("-xzOf")
            .arg(&packed)
            .arg("plugin.wasm")
            .output()
            .unwrap();
        assert_eq!(unpacked.stdout, INERT_MODULE);
    }
    assert_eq!(platforms, ["amd64", "arm64"]);
}
