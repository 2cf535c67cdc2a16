//! Who may ask: the machine may have other users, and its browser other pages.

use axum::http::header::{COOKIE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use fleetscore_cluster::Person;
use sha2::{Digest, Sha256};

/// The name of the token in the address that a person opens first.
const TOKEN: &str = "token";

/// What a request needs to be answered.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Values of `Host` that are ours. Another one is a name that somebody pointed at this machine.
    hosts: Vec<String>,
    entry: Entry,
}

/// How a person is known.
#[derive(Clone, Debug)]
enum Entry {
    /// By a token that the person's terminal printed, later in a cookie.
    Token { token: String, cookie: String },
    /// By what a proxy says that has signed the person in, and that alone can reach this program.
    Proxy(Headers),
    /// Not at all: whoever reaches this program may ask.
    Open,
}

/// The headers in which a proxy says who asks, and what the API server has before such names.
#[derive(Clone, Debug)]
pub struct Headers {
    /// The header with the user.
    pub user: String,
    /// The header with the groups, with commas between them.
    pub groups: String,
    /// What stands before a user's name.
    pub user_prefix: String,
    /// What stands before a group's name.
    pub group_prefix: String,
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
            entry: Entry::Token {
                token: format!("{:032x}", rand::random::<u128>()),
                // A browser sends a host's cookies to all of its ports.
                cookie: format!("fleetscore-{port}"),
            },
        }
    }

    /// The guard of a server behind a proxy that signs people in, asked for as one of `hosts`.
    pub fn behind_proxy(hosts: Vec<String>, headers: Headers) -> Self {
        Self {
            hosts,
            entry: Entry::Proxy(headers),
        }
    }

    /// The guard of a server that all may ask who reach it as one of `hosts`.
    pub fn open(hosts: Vec<String>) -> Self {
        Self {
            hosts,
            entry: Entry::Open,
        }
    }

    /// Who asks, where a proxy says it.
    pub fn person(&self, request: &Parts) -> Option<Person> {
        let Entry::Proxy(headers) = &self.entry else {
            return None;
        };
        let user = one(&request.headers, &headers.user).filter(|user| !user.is_empty())?;
        // More than one such header is not of one proxy.
        let groups = match request.headers.get_all(&headers.groups).iter().count() {
            0 => "",
            1 => one(&request.headers, &headers.groups)?,
            _ => return None,
        };
        let groups = groups.split(',').map(str::trim);
        let groups = groups.filter(|group| !group.is_empty());
        Some(Person {
            user: format!("{}{user}", headers.user_prefix),
            groups: groups
                .map(|group| format!("{}{group}", headers.group_prefix))
                .chain([AUTHENTICATED.to_owned()])
                .collect(),
        })
    }

    /// The path that a person opens first.
    pub fn first_path(&self) -> String {
        match &self.entry {
            Entry::Token { token, .. } => format!("/?{TOKEN}={token}"),
            Entry::Proxy(_) | Entry::Open => "/".to_owned(),
        }
    }

    /// Looks at a request.
    pub fn judge(&self, request: &Parts) -> Verdict {
        use Verdict::Refused;
        let header = |name| one(&request.headers, name);
        if !header(HOST.as_str()).is_some_and(|host| self.hosts.iter().any(|own| own == host)) {
            return Refused(StatusCode::MISDIRECTED_REQUEST, self.misdirected());
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return Refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "The dashboard only shows: it answers GET and HEAD alone.",
            );
        }
        let is_foreign =
            header("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
        // Whoever was signed in comes from another site, which can show nothing of a page that it only sends somebody to.
        let is_sent = matches!(self.entry, Entry::Proxy(_))
            && header("sec-fetch-mode") == Some("navigate")
            && header("sec-fetch-dest") == Some("document");
        if is_foreign && !is_sent {
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
        match &self.entry {
            Entry::Token { token, cookie } => signed_in(request, token, cookie),
            Entry::Proxy(_) if self.person(request).is_none() => NO_PERSON,
            Entry::Proxy(_) | Entry::Open => Verdict::Allowed,
        }
    }

    fn misdirected(&self) -> &'static str {
        match self.entry {
            Entry::Token { .. } => {
                "This server answers at 127.0.0.1 and localhost alone. Open the address that the program printed."
            }
            Entry::Proxy(_) | Entry::Open => {
                "This server does not answer to this name. The value dashboard.hosts of the chart lists those that it answers to."
            }
        }
    }
}

fn signed_in(request: &Parts, own: &str, name: &str) -> Verdict {
    if let Some((location, token)) = split_token(request) {
        return if same(&token, own) {
            let cookie = format!("{name}={token}; HttpOnly; SameSite=Strict; Path=/");
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
        .any(|(key, value)| key == name && same(value, own));
    if is_signed_in {
        Verdict::Allowed
    } else {
        NO_TOKEN
    }
}

/// The group that the API server counts everybody to whom it knows.
const AUTHENTICATED: &str = "system:authenticated";

const NO_PERSON: Verdict = Verdict::Refused(
    StatusCode::UNAUTHORIZED,
    "Nobody is signed in: the proxy before this server did not say who asks.",
);

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
            entry: Entry::Token {
                token: "secret".into(),
                cookie: "fleetscore-8088".into(),
            },
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
        let token = |guard: Guard| match guard.entry {
            Entry::Token { token, .. } => token,
            other => panic!("{other:?}"),
        };
        assert_ne!(token(Guard::new(1)), token(Guard::new(1)));
        assert_eq!(token(Guard::new(1)).len(), 32);
    }

    #[test]
    fn behind_a_proxy_people_are_whom_it_says() {
        let guard = Guard::behind_proxy(
            vec!["dash.example".into()],
            Headers {
                user: "x-forwarded-user".into(),
                groups: "x-forwarded-groups".into(),
                user_prefix: "oidc:".into(),
                group_prefix: String::new(),
            },
        );
        let ask = |headers: &[(&str, &str)]| {
            let mut request = Request::builder().uri("/").header("host", "dash.example");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let parts = request.body(()).unwrap().into_parts().0;
            (code(&guard.judge(&parts)), guard.person(&parts))
        };
        let (status, person) = ask(&[("x-forwarded-user", "ann"), ("x-forwarded-groups", "a, b")]);
        let person = person.unwrap();
        assert_eq!((status, person.user.as_str()), (200, "oidc:ann"));
        assert_eq!(person.groups, ["a", "b", "system:authenticated"]);
        let user = ("x-forwarded-user", "ann");
        let foreign = ("sec-fetch-site", "cross-site");
        let (navigates, document) = (
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        );
        let framed = ("sec-fetch-dest", "iframe");
        for (expected, headers) in [
            (401, &[][..]),
            (401, &[("x-forwarded-user", "")]),
            (401, &[user, ("x-forwarded-user", "root")]),
            (
                401,
                &[
                    user,
                    ("x-forwarded-groups", "a"),
                    ("x-forwarded-groups", "system:masters"),
                ],
            ),
            (403, &[user, foreign]),
            (403, &[user, foreign, navigates, framed]),
            (200, &[user, foreign, navigates, document]),
        ] {
            assert_eq!(ask(headers).0, expected, "{headers:?}");
        }
    }
}
