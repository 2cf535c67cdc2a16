use bytes::Bytes;
use fleetscore_crds::AzureAuth;
use fleetscore_storage::{ObjectUrl, Storage, StorageError};
use futures::TryStreamExt;

use crate::place::{CONTAINER, azurite, azurite_script, impatient, root, spec, with_secret};

const KEY: &str = "d3Jvbmcga2V5IG9mIHRoZSBhY2NvdW50";

/// The error of every kind of request.
async fn errors(storage: &Storage, folder: &ObjectUrl) -> Vec<(&'static str, StorageError)> {
    let url = folder.join("object").unwrap();
    let mut upload = storage.upload(&url).unwrap();
    let parts = match upload.write(Bytes::from(vec![0; 20 << 20])).await {
        Ok(()) => upload.finish().await,
        Err(error) => Err(error),
    };
    [
        ("get", storage.get(&url, 10).await.err()),
        ("range", storage.get_range(&url, 0..1).await.err()),
        ("stream", storage.get_stream(&url).await.err()),
        ("head", storage.head(&url).await.err()),
        ("exists", storage.exists(&url).await.err()),
        (
            "list",
            storage.list(folder).try_collect::<Vec<_>>().await.err(),
        ),
        (
            "put",
            storage.put(&url, Bytes::from_static(b"x")).await.err(),
        ),
        ("parts", parts.err()),
        ("delete", storage.delete(&url).await.err()),
    ]
    .into_iter()
    .filter_map(|(what, error)| Some((what, error?)))
    .collect()
}

async fn assert_denied(storage: &Storage, secrets: &[&str], remedy: &str) {
    let errors = errors(storage, &root("denied")).await;
    assert_eq!(errors.len(), 9);
    for (what, error) in errors {
        assert!(
            matches!(error, StorageError::AccessDenied { .. }),
            "{what}: {error:?}"
        );
        assert!(
            error.to_string().contains(remedy) && error.to_string().contains("az://storage-tests/"),
            "{what}: {error}"
        );
        assert!(!error.is_temporary());
        assert_hidden(&format!("{error} {error:?} {storage:?}"), secrets);
    }
}

fn assert_hidden(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{text}");
    }
}

fn signature(token: &str) -> &str {
    token
        .split('&')
        .find_map(|pair| pair.strip_prefix("sig="))
        .unwrap()
}

#[tokio::test]
async fn a_wrong_key_is_denied() {
    let Some(endpoint) = azurite() else { return };
    let storage = with_secret(&endpoint, [("FLEETSCORE_AZURE_ACCOUNT_KEY", KEY)]);
    assert_denied(
        &storage,
        &[KEY],
        "check that FLEETSCORE_AZURE_ACCOUNT_KEY is a key of this account",
    )
    .await;
}

#[tokio::test]
async fn an_expired_sas_token_is_denied() {
    let Some(endpoint) = azurite() else { return };
    let token = azurite_script(&["sas", CONTAINER, "-5"]);
    let storage = with_secret(&endpoint, [("FLEETSCORE_AZURE_SAS_TOKEN", &token)]);
    assert_denied(
        &storage,
        &[&token, signature(&token)],
        "SAS token in FLEETSCORE_AZURE_SAS_TOKEN has not expired",
    )
    .await;
}

#[tokio::test]
async fn anonymous_access_to_a_private_container_is_refused() {
    let Some(endpoint) = azurite() else { return };
    let storage = Storage::new(&spec(&endpoint, AzureAuth::Anonymous), impatient()).unwrap();
    for (what, error) in errors(&storage, &root("anonymous")).await {
        // The service hides from strangers what exists.
        let refused = matches!(
            error,
            StorageError::AccessDenied { .. } | StorageError::NotFound { .. }
        );
        assert!(refused, "{what}: {error:?}");
    }
}

#[tokio::test]
async fn a_valid_sas_token_suffices() {
    let Some(endpoint) = azurite() else { return };
    let token = azurite_script(&["sas", CONTAINER, "10"]);
    let storage = with_secret(
        &endpoint,
        [("AZURE_STORAGE_SAS_TOKEN", &format!("?{token}\n"))],
    );
    let folder = root("sas");
    let url = folder.join("a b").unwrap();
    storage.put(&url, Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(storage.get(&url, 10).await.unwrap(), "x");
    assert_eq!(
        storage
            .list(&folder)
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .len(),
        1
    );
    storage.delete(&url).await.unwrap();
    assert_hidden(&format!("{storage:?}"), &[signature(&token)]);
}

#[tokio::test]
async fn a_sas_token_is_not_told_when_storage_is_away() {
    let token = "sv=2024-11-04&sr=c&sig=c2VjcmV0IHNpZ25hdHVyZQ%3D%3D";
    let storage = with_secret(
        "http://127.0.0.1:1/devstoreaccount1",
        [("FLEETSCORE_AZURE_SAS_TOKEN", token)],
    );
    for (what, error) in errors(&storage, &root("away")).await {
        assert!(
            matches!(error, StorageError::Unavailable { .. }),
            "{what}: {error:?}"
        );
        assert_hidden(
            &format!("{error} {error:?}"),
            &[token, signature(token), "c2VjcmV0IHNpZ25hdHVyZQ"],
        );
    }
}

#[tokio::test]
async fn an_absent_container_is_named() {
    let Some(endpoint) = azurite() else { return };
    let storage = Storage::new(&spec(&endpoint, AzureAuth::Emulator), impatient()).unwrap();
    let errors = errors(
        &storage,
        &ObjectUrl::parse("az://no-such-container/x/").unwrap(),
    )
    .await;
    for (what, error) in &errors {
        assert!(
            matches!(error, StorageError::NotFound { .. }),
            "{what}: {error:?}"
        );
        // A response without body does not tell why.
        assert!(
            *what == "head"
                || error
                    .to_string()
                    .contains("create the container no-such-container"),
            "{what}: {error}"
        );
    }
    let named: Vec<_> = errors.iter().map(|(what, _)| *what).collect();
    for what in ["get", "list", "put", "parts"] {
        assert!(named.contains(&what), "{what} must fail");
    }
}

#[tokio::test]
async fn a_blob_without_an_account_is_a_wrong_configuration() {
    let storage = Storage::new(&fleetscore_crds::StorageSpec::default(), impatient()).unwrap();
    let error = storage
        .get(&root("none").join("object").unwrap(), 10)
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::Config { .. }));
    assert!(
        error.to_string().contains("set storage.azure.account"),
        "{error}"
    );
}
