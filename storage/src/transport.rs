use std::net::IpAddr;

use url::{Host, Url};

/// Whether nobody on the way can read what is sent to the address: it is encrypted, or does not leave this machine.
pub(super) fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || url.host().is_some_and(|host| is_loopback(&host))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for (url, expected) in [
            ("https://plantstore.blob.core.windows.net", true),
            ("http://plantstore.blob.core.windows.net", false),
            ("http://localhost:10000/a", true),
            ("http://LOCALHOST.", true),
            ("http://azurite.localhost", true),
            ("http://127.0.0.1:10000", true),
            ("http://127.8.9.1", true),
            ("http://127.1", true),
            ("http://[::1]:10000", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://10.99.0.1:10000", false),
            ("http://0.0.0.0", false),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://azurite:10000", false),
        ] {
            assert_eq!(is_private(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
