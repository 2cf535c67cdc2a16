use percent_encoding::percent_decode_str;

use super::credentials::LAPTOP_SECRETS;

/// A blob or a folder as other programs name it, in this one's terms.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    container: String,
    path: String,
    account: String,
    /// More of the account than its name.
    rest: &'static str,
    endpoint: Option<String>,
    /// Whether the URL holds a SAS token.
    has_token: bool,
}

/// What to write for the URL of a blob in the form of other programs: those of Hadoop and Spark (`abfss`, `wasbs` and the like), and the
/// Blob service's own (`https`). None for other URLs.
///
/// A query is not repeated: it may be a token.
pub fn translate(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let place = match scheme {
        "abfs" | "abfss" | "wasb" | "wasbs" | "az" | "azure" | "adl" => hadoop(rest),
        "http" | "https" => web(scheme, rest),
        _ => None,
    }?;
    let Place {
        container,
        path,
        account,
        rest,
        endpoint,
        has_token,
    } = place;
    let slash = if path.is_empty() { "" } else { "/" };
    let endpoint = endpoint.map_or_else(String::new, |endpoint| {
        format!(" and storage.azure.endpoint: {endpoint}")
    });
    let [_, variable] = LAPTOP_SECRETS;
    let token = if has_token {
        format!(
            "; the token belongs into {variable}, or into the secret of storage.azure.secretRef"
        )
    } else {
        String::new()
    };
    Some(format!(
        "write az://{container}{slash}{path}, and storage.azure.account: {account}{rest}{endpoint}{token}"
    ))
}

/// `container@account.dfs.core.windows.net/path`
fn hadoop(rest: &str) -> Option<Place> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (container, host) = authority.split_once('@')?;
    let (account, endpoint) = account(host)?;
    Some(Place {
        container: container.to_owned(),
        path: path.to_owned(),
        account,
        rest: "",
        endpoint,
        has_token: false,
    })
}

/// `account.blob.core.windows.net/container/path?token`, percent-encoded; or an emulator's `127.0.0.1:10000/account/container/path`.
fn web(scheme: &str, rest: &str) -> Option<Place> {
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = location.split_once('/')?;
    let (path, (account, endpoint), rest) = if let Some(account) = account(host) {
        (path, account, "")
    } else {
        let path = path.strip_prefix("devstoreaccount1/")?;
        let account = "devstoreaccount1".to_owned();
        let endpoint = Some(format!("{scheme}://{host}"));
        (path, (account, endpoint), ", auth: Emulator")
    };
    let (container, path) = path.split_once('/').unwrap_or((path, ""));
    (!container.is_empty()).then(|| Place {
        container: container.to_owned(),
        path: percent_decode_str(path)
            .decode_utf8()
            .map_or_else(|_| path.to_owned(), Into::into),
        account,
        rest,
        endpoint,
        has_token: query.contains("sig="),
    })
}

/// The account of a host, and the service's address where it is not the public cloud's.
fn account(host: &str) -> Option<(String, Option<String>)> {
    let mut parts = host.splitn(3, '.');
    let (account, service, cloud) = (parts.next()?, parts.next()?, parts.next()?);
    if account.is_empty() || !matches!(service, "blob" | "dfs") {
        return None;
    }
    let endpoint = (cloud != "core.windows.net").then(|| format!("https://{account}.blob.{cloud}"));
    Some((account.to_owned(), endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_programs_urls_are_translated() {
        for (text, told) in [
            (
                "abfss://c@acc.dfs.core.windows.net/models/m_{device}_{tag}",
                "write az://c/models/m_{device}_{tag}, and storage.azure.account: acc",
            ),
            (
                "wasbs://c@acc.blob.core.windows.net/a b/",
                "write az://c/a b/, and storage.azure.account: acc",
            ),
            (
                "abfs://c@acc.dfs.core.windows.net",
                "write az://c, and storage.azure.account: acc",
            ),
            (
                "az://c@acc.blob.core.windows.net/x",
                "write az://c/x, and storage.azure.account: acc",
            ),
            (
                "https://acc.blob.core.windows.net/c/my%20models/m_1",
                "write az://c/my models/m_1, and storage.azure.account: acc",
            ),
            (
                "https://acc.dfs.core.windows.net/c",
                "write az://c, and storage.azure.account: acc",
            ),
            (
                "https://acc.blob.core.chinacloudapi.cn/c/x",
                "write az://c/x, and storage.azure.account: acc and storage.azure.endpoint: https://acc.blob.core.chinacloudapi.cn",
            ),
            (
                "https://acc.blob.core.windows.net/c/x?sv=1&sig=s3cr3t",
                "write az://c/x, and storage.azure.account: acc; the token belongs into FLEETSCORE_AZURE_SAS_TOKEN, or into the secret of storage.azure.secretRef",
            ),
            (
                "http://127.0.0.1:10000/devstoreaccount1/c/x",
                "write az://c/x, and storage.azure.account: devstoreaccount1, auth: Emulator and storage.azure.endpoint: http://127.0.0.1:10000",
            ),
        ] {
            assert_eq!(translate(text).as_deref(), Some(told));
        }
    }

    #[test]
    fn what_is_no_blob_is_left_alone() {
        for text in [
            "s3://bucket/x",
            "https://example.com/c/x",
            "https://acc.blob.core.windows.net",
            "https://acc.blob.core.windows.net/?sig=x",
            "abfss://c/x",
            "abfss://c@acc/x",
            "az://c/x",
            "x",
        ] {
            assert_eq!(translate(text), None, "{text}");
        }
    }
}
