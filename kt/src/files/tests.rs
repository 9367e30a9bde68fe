use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::tempdir;

use super::*;

#[test]
fn a_file_is_read_up_to_its_limit_and_nothing_else_is() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "12345").unwrap();
    assert_eq!(read_text(&file, 5).unwrap(), "12345");
    let refused = read_text(&file, 4).unwrap_err().to_string();
    assert!(refused.contains("5 bytes: expected at most 4"), "{refused}");
    // Endless, or never answered: neither ends a program that looks again and again.
    for path in ["/dev/zero", "/dev/null"] {
        let refused = read(Path::new(path), 1_000).unwrap_err();
        assert!(refused.to_string().contains("a device"), "{refused}");
    }
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let refused = read(&pipe, 1_000).unwrap_err();
    assert!(refused.to_string().contains("a pipe"), "{refused}");
    let refused = read(folder.path(), 1_000).unwrap_err();
    assert!(refused.to_string().contains("a folder"), "{refused}");
    let endless = read_text_to_end(Path::new("/dev/zero"), 1_000).unwrap_err();
    assert!(endless.to_string().contains("at most 1000"), "{endless}");
    fs::write(&file, [0xff]).unwrap();
    let refused = read_text(&file, 5).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_replaced_file_is_private_and_a_link_in_its_place_is_not_followed() {
    let folder = tempdir().unwrap();
    let (file, other) = (folder.path().join("file"), folder.path().join("other"));
    fs::write(&other, "other").unwrap();
    symlink(&other, &file).unwrap();
    replace(&file, b"new").unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "other");
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    let mode = fs::symlink_metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn what_stands_in_the_way_is_left_alone_and_what_is_given_up_goes() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    let first = NewFile::beside(&file).unwrap();
    let name = first.path.file_name().unwrap().to_str().unwrap().to_owned();
    let number: u32 = name
        .rsplit_once('-')
        .and_then(|(_, rest)| rest.strip_suffix(".part")?.parse().ok())
        .unwrap();
    drop(first);
    // Somebody guesses the next names, and wants to have a file of theirs written.
    let victim = folder.path().join("victim");
    for next in number + 1..number + 50 {
        let name = name.replace(&format!("-{number}."), &format!("-{next}."));
        symlink(&victim, folder.path().join(name)).unwrap();
    }
    let mut new = NewFile::beside(&file).unwrap();
    new.write_all(b"secret").unwrap();
    assert!(!victim.exists());
    let path = new.path.clone();
    assert_eq!(fs::read_to_string(&path).unwrap(), "secret");
    drop(new);
    assert!(!path.exists() && !file.exists());
}
