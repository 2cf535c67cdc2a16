//! Writes the custom resource definitions into `yaml/`, their schemas into `schemas/` and their reference into
//! `../docs/reference/`:
//! `cargo run -p fleetscore-crds --features kube --example crdgen`.

use std::error::Error;
use std::fs;
use std::path::Path;

use fleetscore_crds::{Kind, bare_schema, definition, reference};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = root.join("../docs/reference");
    fs::create_dir_all(&docs)?;
    for kind in Kind::ALL {
        let definition = definition(kind)?;
        let name = format!("{kind:?}").to_lowercase();
        fs::write(
            root.join(format!("yaml/{name}s.yaml")),
            serde_saphyr::to_string(&definition)?,
        )?;
        fs::write(
            root.join(format!("schemas/{name}.json")),
            format!("{}\n", bare_schema(&definition)),
        )?;
        fs::write(
            docs.join(format!("{name}.md")),
            reference(kind, &definition),
        )?;
    }
    Ok(())
}
