//! The project's own set-up, on a checkout that nobody has used.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn a_fresh_checkout_keeps_what_a_set_up_step_has_done() {
    let checkout = tempfile::tempdir().unwrap();
    let scripts = checkout.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    for file in ["lib.sh", "versions.sh"] {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
        fs::copy(ours.join(file), scripts.join(file)).unwrap();
    }
    let told = Command::new("bash")
        .args([
            "-euc",
            ". scripts/lib.sh; write_state part made; read_state part",
        ])
        .current_dir(checkout.path())
        .output()
        .unwrap();
    assert!(told.status.success(), "{told:?}");
    assert_eq!(String::from_utf8_lossy(&told.stdout), "made\n");
    // git is told to look away.
    let ignored = fs::read_to_string(checkout.path().join(".tools/.gitignore")).unwrap();
    assert_eq!(ignored, "*\n");
}
