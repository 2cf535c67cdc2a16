use std::path::{Path, PathBuf};

use fleetscore_storage::Environment;

/// The file or folder with the certificates that brokers are checked against: that of `SSL_CERT_FILE` or `SSL_CERT_DIR`, else the
/// system's, which a static program cannot know from its build.
pub(super) fn find(environment: &Environment) -> Result<PathBuf, String> {
    for (name, is_there) in [
        ("SSL_CERT_FILE", Path::is_file as fn(&Path) -> bool),
        ("SSL_CERT_DIR", Path::is_dir),
    ] {
        if let Some(path) = environment.get(name).map(PathBuf::from) {
            return if is_there(&path) {
                Ok(path)
            } else {
                Err(format!(
                    "{name} names {}, which is not there",
                    path.display()
                ))
            };
        }
    }
    let found = openssl_probe::probe();
    found
        .cert_file
        .into_iter()
        .chain(found.cert_dir)
        .next()
        .ok_or_else(|| {
            "no certificates to check the brokers' with: install the package ca-certificates, or name a file with certificates (PEM) in SSL_CERT_FILE"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_environment_comes_before_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "").unwrap();
        let [file, folder] = [file.as_path(), folder.path()].map(|path| path.to_str().unwrap());
        let find = |name, value| find(&Environment::from([(name, value)]));
        assert_eq!(find("SSL_CERT_FILE", file), Ok(PathBuf::from(file)));
        assert_eq!(find("SSL_CERT_DIR", folder), Ok(PathBuf::from(folder)));
        let error = find("SSL_CERT_FILE", "/nowhere.pem").unwrap_err();
        assert!(
            error.contains("SSL_CERT_FILE names /nowhere.pem"),
            "{error}"
        );
    }
}
