//! Files that people take for models, told by their first bytes, and what to do with each.

/// What a file is that holds no model as it is; nothing where that cannot be told.
pub fn recognise(bytes: &[u8]) -> Option<&'static str> {
    let starts = |start: &[u8]| bytes.starts_with(start);
    let text = bytes.trim_ascii_start();
    if is_old_pickle(bytes) {
        Some(
            "it is a pickle of protocol 0 or 1: save it again with pickle.dump(model, file, protocol=4) or joblib.dump",
        )
    } else if starts(b"ZF0x") {
        Some("it was written by joblib before 0.10: load it and save it again")
    } else if bytes.get(257..262) == Some(b"ustar") {
        Some("it is a tar archive: unpack it and use the model inside")
    } else if starts(b"\x28\xb5\x2f\xfd") {
        Some(
            "it is compressed with zstd: decompress it, or save it with joblib.dump(model, file, compress=3)",
        )
    } else if starts(b"7z\xbc\xaf\x27\x1c") || starts(b"Rar!") {
        Some("it is an archive: unpack it and use the model inside")
    } else if starts(b"\x93NUMPY") {
        Some("it is an array of numpy: save the fitted model, joblib.dump(model, file)")
    } else if starts(b"\x89HDF\r\n\x1a\n") {
        Some(
            "it is an HDF5 file, such as of Keras: export a small dense network as ONNX, or have your own Python score it (spec.model.worker)",
        )
    } else if is_mlmodel(text) {
        Some(
            "it is the MLmodel of an MLflow folder: let spec.model.location end in /MLmodel, and leave spec.model.format out",
        )
    } else if starts(b"binf") || starts(b"CONFIG-offset:") {
        Some(
            "it is XGBoost's old binary: load it with XGBoost up to 3.0, and save it with save_model('model.json')",
        )
    } else if starts(b"PAR1") {
        Some("it is a Parquet file: check spec.model.location")
    } else if starts(b"version https://git-lfs") {
        Some("it is a pointer of Git LFS, not the file: fetch it with `git lfs pull`")
    } else if text.starts_with(b"gASV") || text.starts_with(b"gAOV") || text.starts_with(b"gANj") {
        Some("it is a pickle in base64: decode it first")
    } else if text.starts_with(b"<?xml") || text.starts_with(b"<PMML") {
        Some(
            "it is XML, such as PMML: save the scikit-learn model itself, joblib.dump(model, file)",
        )
    } else if text.starts_with(b"<") {
        Some("it is a web page, perhaps one that asks to sign in: download the file again")
    } else if text.starts_with(b"{") || text.starts_with(b"[") {
        Some("it is JSON: save the scikit-learn model itself, joblib.dump(model, file)")
    } else {
        None
    }
}

/// Its keys are sorted, and these come first.
fn is_mlmodel(text: &[u8]) -> bool {
    [&b"artifact_path:"[..], b"env_vars:", b"flavors:"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// Protocols 0 and 1 do not say so: they start with the name of what is called, or with a container that is filled afterwards.
fn is_old_pickle(bytes: &[u8]) -> bool {
    match bytes {
        [b'c', rest @ ..] | [b'(', b'i', rest @ ..] => {
            let mut lines = rest.splitn(3, |&byte| byte == b'\n');
            let is_name = |line: Option<&[u8]>| {
                line.is_some_and(|line| {
                    !line.is_empty()
                        && line.len() < 200
                        && line
                            .iter()
                            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
                })
            };
            is_name(lines.next()) && is_name(lines.next()) && lines.next().is_some()
        }
        [b'(', b'd' | b'l' | b't', b'p' | b'q', ..] | [b'}' | b']', b'q', _, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_way_out() {
        let mut tar = vec![b'x'; 257];
        tar.extend(b"ustar\x0000");
        for (bytes, part) in [
            (
                &b"ccopy_reg\n_reconstructor\np0\n(csklearn"[..],
                "protocol 0 or 1",
            ),
            (b"(dp0\nVkernel\np1\n", "protocol 0 or 1"),
            (b"}q\x00(X\x06\x00\x00\x00kernel", "protocol 0 or 1"),
            (&tar, "tar archive"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "git lfs pull",
            ),
            (b"\n<!DOCTYPE html><html>", "download the file again"),
            (b"artifact_path: model\nflavors:\n", "end in /MLmodel"),
            (b"{\"kernel\": \"rbf\"}", "JSON"),
            (b"gASVkQoAAAAAAACM", "base64"),
        ] {
            let found = recognise(bytes).unwrap_or_default();
            assert!(found.contains(part), "{}: {found}", bytes.escape_ascii());
        }
        assert_eq!(recognise(b"hello world"), None);
        assert_eq!(recognise(b"c\nd"), None);
        assert_eq!(recognise(b""), None);
    }
}
