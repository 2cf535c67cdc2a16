use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fleetscore_crds::AzureAuth;
use fleetscore_storage::{Storage, StorageError, StorageOptions};
use futures::TryStreamExt;

use crate::place::{azurite, content, impatient, root, spec};

/// What the proxy does to a connection that it does not let through.
#[derive(Clone, Copy)]
enum Fault {
    /// Closes it at once.
    Drop,
    /// Closes it when a part of the request has come.
    DropAmidst,
    /// Reads the request and closes it.
    DropAfterRequest,
    /// Answers with this status.
    Answer(u16),
}

/// A proxy before Azurite whose first `faulty` connections fail. Returns its endpoint and its count of connections.
fn proxy(azurite: &str, fault: Fault, faulty: usize) -> (String, Arc<AtomicUsize>) {
    let target = azurite
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/devstoreaccount1", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (connection, target) = (connection.unwrap(), target.clone());
            let number = counter.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || {
                if number < faulty {
                    fail(connection, fault);
                } else {
                    forward(connection, &target);
                }
            });
        }
    });
    (endpoint, count)
}

fn fail(mut connection: TcpStream, fault: Fault) {
    match fault {
        Fault::Drop => {}
        Fault::DropAmidst => read_some(&mut connection),
        Fault::DropAfterRequest | Fault::Answer(_) => read_request(&mut connection),
    }
    if let Fault::Answer(status) = fault {
        let head =
            format!("HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = connection.write_all(head.as_bytes());
    }
}

/// Reads a request's head and body.
fn read_request(connection: &mut TcpStream) {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let _ = std::io::copy(&mut reader.take(length), &mut std::io::sink());
}

/// Reads a request's head and the beginning of its body.
fn read_some(connection: &mut TcpStream) {
    let _ = connection.read(&mut [0; 4096]);
}

fn forward(client: TcpStream, target: &str) {
    let server = TcpStream::connect(target).unwrap();
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let upward = thread::spawn(move || pump(from, to));
    pump(server, client);
    upward.join().unwrap();
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn open(endpoint: &str, options: StorageOptions) -> Storage {
    Storage::new(&spec(endpoint, AzureAuth::Emulator), options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn short_outages_are_sat_out() {
    let Some(azurite) = azurite() else { return };
    // A request whose connection is closed just as it goes in may wait until its time is up (hyper's issue 4122).
    let options = StorageOptions {
        request_timeout: Duration::from_secs(10),
        retry_timeout: Duration::from_mins(2),
        ..impatient()
    };
    for (fault, name) in [
        (Fault::Drop, "drop"),
        (Fault::DropAmidst, "drop-amidst"),
        (Fault::DropAfterRequest, "drop-after-request"),
        (Fault::Answer(500), "500"),
        (Fault::Answer(503), "503"),
        (Fault::Answer(429), "429"),
    ] {
        let folder = root(&format!("outage-{name}"));
        let url = folder.join("object").unwrap();
        let through = || {
            let (endpoint, count) = proxy(&azurite, fault, 3);
            (open(&endpoint, options.clone()), count)
        };
        let (storage, count) = through();
        storage.put(&url, content(1000)).await.unwrap();
        // Three faults and one that goes through; the client may open a connection that it does not use.
        assert!(count.load(Ordering::SeqCst) >= 4, "{name}");
        assert_eq!(through().0.get(&url, 1000).await.unwrap(), content(1000));
        assert_eq!(
            through()
                .0
                .list(&folder)
                .try_collect::<Vec<_>>()
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(through().0.head(&url).await.unwrap().size, 1000);
        through().0.put(&url, content(20 << 20)).await.unwrap();
        assert!(through().0.get(&url, u64::MAX).await.unwrap() == content(20 << 20));
        through().0.delete(&url).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_outage_is_unavailable_within_the_bound() {
    let Some(azurite) = azurite() else { return };
    // As above; the number of tries ends it.
    let options = StorageOptions {
        request_timeout: Duration::from_secs(1),
        retry_timeout: Duration::from_secs(10),
        ..impatient()
    };
    for fault in [Fault::Drop, Fault::DropAfterRequest, Fault::Answer(503)] {
        let (endpoint, count) = proxy(&azurite, fault, usize::MAX);
        let storage = open(&endpoint, options.clone());
        storage
            .head(&root("unavailable").join("object").unwrap())
            .await
            .unwrap_err();
        assert_eq!(count.load(Ordering::SeqCst), 4);
        assert_unavailable(&storage).await;
    }
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_within_the_bound() {
    // Bound and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_unavailable(&open(&format!("http://{address}"), impatient())).await;
}

#[tokio::test]
async fn a_silent_server_is_unavailable_within_the_bound() {
    // Connections are taken by the system, and never answered.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = StorageOptions {
        request_timeout: Duration::from_millis(100),
        ..impatient()
    };
    assert_unavailable(&open(
        &format!("http://{}", listener.local_addr().unwrap()),
        options,
    ))
    .await;
}

#[tokio::test]
async fn an_unknown_host_is_unavailable_within_the_bound() {
    assert_unavailable(&open("https://fleetscore.invalid", impatient())).await;
}

#[tokio::test]
async fn what_is_no_tls_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            fail(connection.unwrap(), Fault::Drop);
        }
    });
    assert_unavailable(&open(&format!("https://{address}"), impatient())).await;
}

async fn assert_unavailable(storage: &Storage) {
    let folder = root("unavailable");
    let url = folder.join("object").unwrap();
    let begun = Instant::now();
    let errors = [
        ("get", storage.get(&url, 10).await.unwrap_err()),
        ("put", storage.put(&url, content(10)).await.unwrap_err()),
        (
            "list",
            storage
                .list(&folder)
                .try_collect::<Vec<_>>()
                .await
                .unwrap_err(),
        ),
        ("delete", storage.delete(&url).await.unwrap_err()),
    ];
    for (what, error) in errors {
        assert!(
            matches!(error, StorageError::Unavailable { .. }),
            "{what}: {error:?}"
        );
        assert!(error.is_temporary(), "{what}");
        assert!(
            what == "delete" || error.to_string().contains("after 3 retries"),
            "{what}: {error}"
        );
        assert!(
            error
                .to_string()
                .contains("check storage.azure and the network to http"),
            "{error}"
        );
    }
    // Four requests of at most a second and one try more.
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
}
