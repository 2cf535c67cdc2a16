use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// What becomes of what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It goes through.
    #[default]
    Through,
    /// Connections end at once, those that are there and new ones.
    Refused,
    /// Nothing goes on, and nothing is said of it. What waits goes on later.
    Held,
    /// Answers come seconds late, as those of a hub that is throttled.
    Slow,
    /// HTTP: requests are answered with 503, and go no further.
    Busy,
    /// HTTP: every other PUT gets no answer, but takes effect: the connection ends instead.
    Unanswered,
}

/// How late answers come in [`Mode::Slow`].
const DELAY: Duration = Duration::from_secs(3);

/// A TCP proxy that fails as a test says, on loopback.
pub struct Proxy {
    /// Where it listens.
    pub address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    mode: Mode,
    connections: Vec<(usize, TcpStream)>,
    opened: usize,
    /// Of connections that were opened before this one nothing goes on any more, for ever and without a word.
    lost: usize,
    /// After so many more bytes of answers the connection that carries them is cut; and so often.
    cut_after: usize,
    left: usize,
    cuts: usize,
    /// How often something failed by the mode.
    failed: usize,
    puts: usize,
}

impl Proxy {
    /// Listens at `address`, or, with port 0, at a free port; `to` is where it leads to.
    pub fn start(address: &str, to: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap().to_string(),
            shared: Arc::default(),
        };
        let (shared, to) = (Arc::clone(&proxy.shared), to.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // Where nobody listens there is nothing to connect: the client sees the connection end.
                let _ = connect(&shared, &client, &to);
            }
        });
        proxy
    }

    /// From now on it fails so, and forgets how often it has failed.
    pub fn set(&self, mode: Mode) {
        let mut state = self.shared.lock();
        state.mode = mode;
        state.failed = 0;
        if mode == Mode::Refused {
            for (_, connection) in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
        self.shared.changed.notify_all();
    }

    /// How often it has failed since it was set to.
    pub fn failed(&self) -> usize {
        self.shared.lock().failed
    }

    /// Cuts connections amid answers: one after each `bytes` of them, so many `times`.
    pub fn cut(&self, bytes: usize, times: usize) {
        let mut state = self.shared.lock();
        (state.cut_after, state.left, state.cuts) = (bytes, bytes, times);
    }

    /// Cuts that are still to come.
    pub fn cuts_left(&self) -> usize {
        self.shared.lock().cuts
    }

    /// All connections that there are go nowhere from now on, as where something between has forgotten them.
    pub fn lose(&self) {
        let mut state = self.shared.lock();
        state.lost = state.opened;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn connect(shared: &Arc<Shared>, client: &TcpStream, to: &str) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
    }
    let mut state = shared.lock();
    if state.mode == Mode::Refused {
        state.failed += 1;
        return Ok(());
    }
    let number = state.opened;
    state.opened += 1;
    state.connections.push((number, client.try_clone()?));
    drop(state);
    let is_unanswered = Arc::new(Mutex::new(false));
    for is_answer in [false, true] {
        let way = Way {
            number,
            is_answer,
            is_unanswered: Arc::clone(&is_unanswered),
            shared: Arc::clone(shared),
        };
        let (client, server) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || {
            let _ = if is_answer {
                way.carry(&server, &client)
            } else {
                way.carry(&client, &server)
            };
            for stream in [client, server] {
                let _ = stream.shutdown(Shutdown::Both);
            }
            let mut state = way.shared.lock();
            state.connections.retain(|(other, _)| *other != number);
        });
    }
    Ok(())
}

/// One direction of a connection.
struct Way {
    number: usize,
    is_answer: bool,
    is_unanswered: Arc<Mutex<bool>>,
    shared: Arc<Shared>,
}

/// What becomes of some bytes.
enum Fate {
    Pass,
    Vanish,
    /// So many are carried, and then the connection ends.
    Cut(usize),
    Busy,
}

impl Way {
    /// Carries bytes until the connection ends.
    fn carry(&self, mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        loop {
            let count = from.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            match self.judge(&buffer[..count]) {
                Fate::Pass => to.write_all(&buffer[..count])?,
                Fate::Vanish => {}
                Fate::Cut(count) => return to.write_all(&buffer[..count]),
                Fate::Busy => {
                    let answer = "HTTP/1.1 503 Server Busy\r\nContent-Length: 0\r\nx-ms-error-code: ServerBusy\r\nConnection: close\r\n\r\n";
                    return from.write_all(answer.as_bytes());
                }
            }
        }
    }

    fn judge(&self, bytes: &[u8]) -> Fate {
        let mut state = self.shared.lock();
        if state.mode == Mode::Held && self.number >= state.lost {
            state.failed += 1;
            while state.mode == Mode::Held {
                state = self.shared.changed.wait(state).unwrap();
            }
        }
        if self.number < state.lost {
            return Fate::Vanish;
        }
        if !self.is_answer {
            return self.judge_request(&mut state, bytes);
        }
        if state.mode == Mode::Slow {
            let is_slow = |state: &mut State| state.mode == Mode::Slow;
            let waited = self
                .shared
                .changed
                .wait_timeout_while(state, DELAY, is_slow);
            state = waited.unwrap().0;
            state.failed += 1;
        }
        if *self.is_unanswered.lock().unwrap() {
            state.failed += 1;
            return Fate::Cut(0);
        }
        if state.cuts > 0 {
            if bytes.len() >= state.left {
                let count = state.left;
                state.cuts -= 1;
                state.left = state.cut_after;
                return Fate::Cut(count);
            }
            state.left -= bytes.len();
        }
        Fate::Pass
    }

    fn judge_request(&self, state: &mut State, bytes: &[u8]) -> Fate {
        match state.mode {
            Mode::Busy => {
                state.failed += 1;
                return Fate::Busy;
            }
            Mode::Unanswered if bytes.starts_with(b"PUT ") => {
                state.puts += 1;
                *self.is_unanswered.lock().unwrap() = state.puts % 2 == 1;
            }
            _ => {}
        }
        Fate::Pass
    }
}
