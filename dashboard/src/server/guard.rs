//! Who may ask: the machine may have other users, and its browser other pages.

use axum::http::header::{COOKIE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use sha2::{Digest, Sha256};

/// The name of the token in the address that a person opens first.
const TOKEN: &str = "token";

/// What a request needs to be answered.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Values of `Host` that are ours. Another one is a name that somebody pointed at this machine.
    hosts: Vec<String>,
    token: String,
    cookie: String,
}

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer it.
    Allowed,
    /// It brings the token: put it into a cookie and go to this address, which is without it.
    SignIn {
        /// Where to go.
        location: String,
        /// The value of `Set-Cookie`.
        cookie: String,
    },
    /// Answer with this alone.
    Refused(StatusCode, &'static str),
}

impl Guard {
    /// The guard of the server at `port` of this machine, with a token of its own.
    pub fn new(port: u16) -> Self {
        let names = ["127.0.0.1", "localhost"];
        Self {
            hosts: names.iter().map(|name| format!("{name}:{port}")).collect(),
            token: format!("{:032x}", rand::random::<u128>()),
            // A browser sends a host's cookies to all of its ports.
            cookie: format!("fleetscore-{port}"),
        }
    }

    /// The path that a person opens first.
    pub fn first_path(&self) -> String {
        format!("/?{TOKEN}={}", self.token)
    }

    /// Looks at a request.
    pub fn judge(&self, request: &Parts) -> Verdict {
        use Verdict::Refused;
        let header = |name| one(&request.headers, name);
        if !header(HOST.as_str()).is_some_and(|host| self.hosts.iter().any(|own| own == host)) {
            return Refused(
                StatusCode::MISDIRECTED_REQUEST,
                "This server answers at 127.0.0.1 and localhost alone. Open the address that the program printed.",
            );
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return Refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "The dashboard only shows: it answers GET and HEAD alone.",
            );
        }
        if header("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
            return Refused(
                StatusCode::FORBIDDEN,
                "Another site asked for this page. Type its address, or open it from the terminal.",
            );
        }
        if is_odd(request.uri.path()) {
            return Refused(
                StatusCode::BAD_REQUEST,
                "The address is none of the dashboard's.",
            );
        }
        if let Some((location, token)) = split_token(request) {
            return if same(&token, &self.token) {
                let cookie = &self.cookie;
                let cookie = format!("{cookie}={token}; HttpOnly; SameSite=Strict; Path=/");
                Verdict::SignIn { location, cookie }
            } else {
                NO_TOKEN
            };
        }
        let cookies = request.headers.get_all(COOKIE).iter();
        let is_signed_in = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == self.cookie && same(value, &self.token));
        if is_signed_in {
            Verdict::Allowed
        } else {
            NO_TOKEN
        }
    }
}

const NO_TOKEN: Verdict = Verdict::Refused(
    StatusCode::UNAUTHORIZED,
    "Open the address that the program printed: it holds the token that lets you in. The token is another one each time it starts.",
);

/// The header's value, where there is exactly one.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        // An empty text is no name of ours, and no site.
        (Some(_), Some(_)) => Some(""),
        _ => None,
    }
}

/// Our addresses hold no escapes at all, and no segment that leads elsewhere.
fn is_odd(path: &str) -> bool {
    path.contains(['%', '\\'])
        || path.contains("//")
        || path
            .split('/')
            .any(|segment| segment == "." || segment == "..")
}

/// The address without its token, and the token.
fn split_token(request: &Parts) -> Option<(String, String)> {
    let query = request.uri.query()?;
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let (tokens, others): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == TOKEN);
    let token = tokens.into_iter().next()?.1.into_owned();
    let rest = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .finish();
    let path = request.uri.path();
    let location = if rest.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{rest}")
    };
    Some((location, token))
}

/// Whether the texts are the same, in a time that tells nothing of where they differ.
fn same(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use axum::http::Request;

    use super::*;

    fn guard() -> Guard {
        Guard {
            token: "secret".into(),
            ..Guard::new(8088)
        }
    }

    fn judged(method: &str, target: &str, headers: &[(&str, &str)]) -> Verdict {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        guard().judge(&request.body(()).unwrap().into_parts().0)
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:8088");
    const COOKIE: (&str, &str) = ("cookie", "a=b; fleetscore-8088=secret");

    fn code(verdict: &Verdict) -> u16 {
        match verdict {
            Verdict::Refused(status, _) => status.as_u16(),
            Verdict::Allowed => 200,
            Verdict::SignIn { .. } => 303,
        }
    }

    #[test]
    fn the_person_who_started_it_may_ask() {
        assert_eq!(judged("GET", "/runs", &[HOST, COOKIE]), Verdict::Allowed);
        let own = ("sec-fetch-site", "same-origin");
        assert_eq!(judged("HEAD", "/", &[HOST, COOKIE, own]), Verdict::Allowed);
        let Verdict::SignIn { location, cookie } =
            judged("GET", "/runs?phase=Failed&token=secret", &[HOST])
        else {
            panic!("no sign-in");
        };
        assert_eq!(location, "/runs?phase=Failed");
        assert_eq!(
            cookie,
            "fleetscore-8088=secret; HttpOnly; SameSite=Strict; Path=/"
        );
    }

    #[test]
    fn all_others_may_not() {
        let cases: [(u16, &str, &str, &[(&str, &str)]); 13] = [
            (421, "GET", "/", &[("host", "evil.example:8088"), COOKIE]),
            (421, "GET", "/", &[("host", "127.0.0.1:1"), COOKIE]),
            (421, "GET", "/", &[HOST, ("host", "evil.example"), COOKIE]),
            (421, "GET", "/", &[COOKIE]),
            (405, "POST", "/", &[HOST, COOKIE]),
            (405, "DELETE", "/runs", &[HOST, COOKIE]),
            (
                403,
                "GET",
                "/",
                &[HOST, COOKIE, ("sec-fetch-site", "cross-site")],
            ),
            (
                403,
                "GET",
                "/",
                &[HOST, COOKIE, ("sec-fetch-site", "same-site")],
            ),
            (400, "GET", "/runs/..%2f..%2fetc", &[HOST, COOKIE]),
            (400, "GET", "/runs/../assets", &[HOST, COOKIE]),
            (401, "GET", "/", &[HOST]),
            (401, "GET", "/?token=guess", &[HOST, COOKIE]),
            (
                401,
                "GET",
                "/",
                &[HOST, ("cookie", "fleetscore-8088=guess")],
            ),
        ];
        for (expected, method, target, headers) in cases {
            let verdict = judged(method, target, headers);
            assert_eq!(code(&verdict), expected, "{method} {target} {headers:?}");
        }
    }

    #[test]
    fn tokens_are_not_guessed() {
        assert_ne!(Guard::new(1).token, Guard::new(1).token);
        assert_eq!(Guard::new(1).token.len(), 32);
    }
}
