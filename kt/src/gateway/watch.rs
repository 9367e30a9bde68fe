//! Notices that a file has other content, whoever changed it and however.
//!
//! Reading the content again and again is the only way that works for editors that write in place or rename, for
//! Kubernetes, which swaps a symbolic link two folders up, and for network file systems.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use policy::MAX_DOCUMENT_BYTES;

use crate::files;

/// Watches one text file.
#[derive(Debug)]
pub(crate) struct Watch {
    file: PathBuf,
    /// Content that was dealt with.
    known: String,
    /// Content that came up, and may still be half-written.
    coming: Option<String>,
}

impl Watch {
    /// From now on content other than `known` is news.
    pub(crate) fn new(file: PathBuf, known: String) -> Self {
        Self {
            file,
            known,
            coming: None,
        }
    }

    /// What is watched.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The content as it is, new or not, because somebody asked.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn look_now(&mut self) -> io::Result<String> {
        let found = files::read_text(&self.file, MAX_DOCUMENT_BYTES)?;
        self.coming = None;
        self.known.clone_from(&found);
        Ok(found)
    }

    /// What was found last was not dealt with, and `served` is still in force: it is news again.
    pub(crate) fn forget(&mut self, served: &str) {
        served.clone_into(&mut self.known);
    }

    /// New content, once, as soon as two looks in a row have found it. A file that is not there or not text is no
    /// news: it may be on its way.
    ///
    /// # Errors
    /// The file is there and cannot be read, so that nobody knows whether there is news.
    pub(crate) fn look(&mut self) -> io::Result<Option<String>> {
        let found = match files::read_text(&self.file, MAX_DOCUMENT_BYTES) {
            Ok(found) => found,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::NotFound | ErrorKind::InvalidData => Ok(None),
                    _ => Err(error),
                };
            }
        };
        if found == self.known {
            self.coming = None;
            return Ok(None);
        }
        if self.coming.as_ref() != Some(&found) {
            self.coming = Some(found);
            return Ok(None);
        }
        self.coming = None;
        self.known.clone_from(&found);
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn tells_new_content_once_when_it_has_settled() {
        let folder = std::env::temp_dir().join(format!("kt-watch-{}", std::process::id()));
        fs::create_dir_all(folder.join("v1")).unwrap();
        fs::create_dir_all(folder.join("v2")).unwrap();
        fs::write(folder.join("v1/policy"), "one").unwrap();
        fs::write(folder.join("v2/policy"), "two").unwrap();
        symlink("v1", folder.join("current")).unwrap();
        let mut watch = Watch::new(folder.join("current/policy"), "one".into());
        assert_eq!(watch.look().unwrap(), None);

        // As Kubernetes does it.
        symlink("v2", folder.join("next")).unwrap();
        fs::rename(folder.join("next"), folder.join("current")).unwrap();
        assert_eq!(watch.look().unwrap(), None);
        assert_eq!(watch.look().unwrap().as_deref(), Some("two"));
        assert_eq!(watch.look().unwrap(), None);

        // Written in two steps, and gone for a moment.
        fs::write(folder.join("v2/policy"), "thr").unwrap();
        assert_eq!(watch.look().unwrap(), None);
        fs::write(folder.join("v2/policy"), "three").unwrap();
        assert_eq!(watch.look().unwrap(), None);
        fs::remove_file(folder.join("v2/policy")).unwrap();
        assert_eq!(watch.look().unwrap(), None);
        fs::write(folder.join("v2/policy"), "three").unwrap();
        assert_eq!(watch.look().unwrap().as_deref(), Some("three"));

        // What could not be dealt with comes again.
        watch.forget("two");
        assert_eq!(watch.look().unwrap(), None);
        assert_eq!(watch.look().unwrap().as_deref(), Some("three"));
        assert_eq!(watch.look().unwrap(), None);

        // There and back again is no news.
        fs::write(folder.join("v2/policy"), "four").unwrap();
        assert_eq!(watch.look().unwrap(), None);
        fs::write(folder.join("v2/policy"), "three").unwrap();
        assert_eq!(watch.look().unwrap(), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_no_news() {
        let folder = std::env::temp_dir().join(format!("kt-watch-error-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        // Root reads every file, but nobody a folder.
        let mut watch = Watch::new(folder.clone(), String::new());
        assert!(watch.look().is_err() && watch.look_now().is_err());
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(watch.look().unwrap(), None, "not there: on its way");
    }
}
