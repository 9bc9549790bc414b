//! A TCP proxy that can be slow, deaf or gone.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the proxy does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bytes pass.
    Pass,
    /// Bytes pass after so many milliseconds.
    Slow(u64),
    /// Nothing passes and nothing is closed.
    Frozen,
    /// Nobody is let in, and whoever was in is cut.
    Gone,
}

const FROZEN: u64 = u64::MAX;
const GONE: u64 = u64::MAX - 1;

struct Shared {
    mode: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
    /// Connections that were cut.
    cut: AtomicUsize,
}

/// A running proxy; it ends with the program.
pub struct Proxy {
    shared: Arc<Shared>,
    pub address: String,
}

impl Proxy {
    /// A proxy before `target`.
    pub fn start(target: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let shared =
            Arc::new(Shared { mode: AtomicU64::new(0), open: Mutex::default(), cut: AtomicUsize::new(0) });
        let (ours, target) = (shared.clone(), target.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ours.mode.load(Ordering::Relaxed) == GONE {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&target) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let shared = ours.clone();
                    std::thread::spawn(move || pump(&shared, from, to));
                }
                crate::load::locked(&ours.open).extend([client, server]);
            }
        });
        Proxy { shared, address }
    }

    pub fn set(&self, mode: Mode) {
        let value = match mode {
            Mode::Pass => 0,
            Mode::Slow(milliseconds) => milliseconds,
            Mode::Frozen => FROZEN,
            Mode::Gone => GONE,
        };
        self.shared.mode.store(value, Ordering::Relaxed);
        if mode == Mode::Gone {
            self.reset();
        }
    }
    /// Cuts every connection there is.
    pub fn reset(&self) {
        for stream in crate::load::locked(&self.shared.open).drain(..) {
            if stream.shutdown(Shutdown::Both).is_ok() {
                self.shared.cut.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    pub fn cut(&self) -> usize {
        self.shared.cut.load(Ordering::Relaxed) / 2
    }
}

fn pump(shared: &Shared, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while shared.mode.load(Ordering::Relaxed) == FROZEN {
            std::thread::sleep(Duration::from_millis(20));
        }
        match shared.mode.load(Ordering::Relaxed) {
            0 | GONE => {}
            slow => std::thread::sleep(Duration::from_millis(slow)),
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Either end may be gone already.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
