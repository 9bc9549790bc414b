//! A TCP proxy that can be slow, deaf or gone, and that knows which connections speak to a group's coordinator.

use crate::load::locked;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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
    /// Whoever asks a group's coordinator for something is cut; everything else passes.
    NoCoordinator,
}

const FROZEN: u64 = u64::MAX;
const GONE: u64 = u64::MAX - 1;
const NO_COORDINATOR: u64 = u64::MAX - 2;

/// Requests that only a group's coordinator answers: offset commit and fetch, join, heartbeat, leave, sync.
const OF_GROUPS: [i16; 6] = [8, 9, 11, 12, 13, 14];

/// Both ends of one connection.
struct Pair {
    ends: [TcpStream; 2],
    /// Half-open: what either end says is swallowed, and neither is told.
    dead: AtomicBool,
}

struct Shared {
    mode: AtomicU64,
    open: Mutex<Vec<Arc<Pair>>>,
    /// Connections that were cut, or left half-open.
    cut: AtomicUsize,
    /// Bytes that passed.
    passed: AtomicUsize,
    ended: AtomicBool,
}

/// A running proxy. Dropping it ends it.
pub struct Proxy {
    shared: Arc<Shared>,
    pub address: String,
}

impl Proxy {
    /// A proxy before `target`.
    pub fn start(target: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let shared = Arc::new(Shared {
            mode: AtomicU64::new(0),
            open: Mutex::default(),
            cut: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let (ours, target) = (shared.clone(), target.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ours.ended.load(Ordering::Relaxed) {
                    return;
                }
                if ours.mode.load(Ordering::Relaxed) == GONE {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let pair = Arc::new(Pair { ends: [client, server], dead: AtomicBool::new(false) });
                for from in 0..2 {
                    let (shared, pair) = (ours.clone(), pair.clone());
                    std::thread::spawn(move || pump(&shared, &pair, from));
                }
                let mut open = locked(&ours.open);
                open.retain(|pair| Arc::strong_count(pair) > 1);
                open.push(pair);
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
            Mode::NoCoordinator => NO_COORDINATOR,
        };
        self.shared.mode.store(value, Ordering::Relaxed);
        if mode == Mode::Gone {
            self.reset();
        }
    }
    /// Cuts every connection there is.
    pub fn reset(&self) {
        for pair in locked(&self.shared.open).drain(..) {
            cut(&self.shared, &pair);
        }
    }
    /// Leaves every connection there is half-open for good; new ones are sound.
    pub fn half_open(&self) {
        for pair in locked(&self.shared.open).iter().filter(|pair| Arc::strong_count(pair) > 1) {
            pair.dead.store(true, Ordering::Relaxed);
            self.shared.cut.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// Connections that were cut, or left half-open.
    pub fn cut(&self) -> usize {
        self.shared.cut.load(Ordering::Relaxed)
    }
    /// Bytes that passed so far.
    pub fn passed(&self) -> usize {
        self.shared.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Whoever waits for the next connection looks up.
        let _ = TcpStream::connect(&self.address);
        self.set(Mode::Pass);
        self.reset();
    }
}

/// Ends both sides; counted once.
fn cut(shared: &Shared, pair: &Pair) {
    let [one, other] = &pair.ends;
    if one.shutdown(Shutdown::Both).is_ok() {
        shared.cut.fetch_add(1, Ordering::Relaxed);
    }
    let _ = other.shutdown(Shutdown::Both);
}

fn pump(shared: &Shared, pair: &Pair, side: usize) {
    let (mut from, mut to) = (&pair.ends[side], &pair.ends[1 - side]);
    let mut buffer = [0; 16 * 1024];
    let mut frames = Frames::default();
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let of_a_group = side == 0 && frames.ask_a_group(&buffer[..count]);
        while shared.mode.load(Ordering::Relaxed) == FROZEN {
            std::thread::sleep(Duration::from_millis(20));
        }
        if pair.dead.load(Ordering::Relaxed) {
            continue;
        }
        match shared.mode.load(Ordering::Relaxed) {
            0 | GONE => {}
            NO_COORDINATOR if of_a_group => {
                cut(shared, pair);
                return;
            }
            NO_COORDINATOR => {}
            slow => std::thread::sleep(Duration::from_millis(slow)),
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        shared.passed.fetch_add(count, Ordering::Relaxed);
    }
    if !pair.dead.load(Ordering::Relaxed) {
        // Either end may be gone already.
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}

/// Follows Kafka's requests through a stream: a length, then the number of the request.
#[derive(Default)]
struct Frames {
    head: Vec<u8>,
    /// Bytes of the request that are still to come, its number not counted.
    rest: usize,
}

impl Frames {
    /// True when one of the requests that begin in `bytes` is for a group's coordinator.
    fn ask_a_group(&mut self, mut bytes: &[u8]) -> bool {
        let mut found = false;
        loop {
            let skipped = self.rest.min(bytes.len());
            bytes = &bytes[skipped..];
            self.rest -= skipped;
            let Some((first, others)) = bytes.split_first() else { return found };
            self.head.push(*first);
            bytes = others;
            if let &[a, b, c, d, e, f] = &self.head[..] {
                self.rest = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(2);
                found |= OF_GROUPS.contains(&i16::from_be_bytes([e, f]));
                self.head.clear();
            }
        }
    }
}
