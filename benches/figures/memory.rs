//! Memory with a stopped sink: the real program reads a backlog of 2 GiB while its database, behind a proxy, takes
//! and answers nothing more.

use crate::broker::Broker;
use crate::process::resident_mib;
use crate::setting::{FIRST_COMPANY, RULES, Setting, batch};
use crate::table::{Figure, Goal, Side};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const COMPANIES: usize = 100;
/// Transactions of a message: about a kilobyte.
const IN_EACH: usize = 8;
/// The engine's own budget (`Policy::budget_bytes`) and the client's queue (`queued.max.messages.kbytes`).
const BUDGET_MIB: f64 = 64.0 + 8.0;
/// Longer than the time-out of a handler (60 s), so that what follows it is seen too.
const WATCHED: Duration = Duration::from_secs(80);
const EVERY: Duration = Duration::from_millis(500);

pub fn figures(broker: &Broker) -> Vec<Figure> {
    let backlog = crate::number("BENCH_BACKLOG_MIB", 2_048) << 20;
    let setting = Setting::ledger("memory", COMPANIES);
    let proxy = Proxy::start(setting.database_address());
    let database_url = setting.database_url.replace(setting.database_address(), &proxy.address);

    // The same process on an empty topic, to tell what the program itself weighs.
    let mut worker = setting.consume(&[], &database_url);
    let idle = sample(worker.pid(), Duration::from_secs(5), || ());
    worker.must_run();
    worker.term();

    let (mut left, mut number) = (backlog, 0);
    let messages = std::iter::from_fn(|| {
        let (key, value) = (left > 0).then(|| message(number))?;
        (left, number) = (left.saturating_sub(key.len() + value.len()), number + 1);
        Some((key, value))
    });
    let ratio = broker.fill_measured(&setting.topic, messages);

    setting.new_group();
    let mut worker = setting.consume(&[], &database_url);
    let began = Instant::now();
    while setting.select("select count(*) from app.transactions")[0] == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing was stored within a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
    proxy.frozen.store(true, Ordering::Relaxed);
    let samples = sample(worker.pid(), WATCHED, || worker.must_run());
    let stored =
        setting.select("select count(*) from app.transactions")[0].parse::<usize>().expect("a count");
    assert!(stored < number * IN_EACH / 2, "the sink stood still: {stored} rows of {}", number * IN_EACH);
    worker.kill();
    broker.delete_topic(&setting.topic);

    let most = |samples: &[f64]| samples.iter().copied().fold(0.0, f64::max);
    let value = most(&samples) - BUDGET_MIB;
    let detail = serde_json::json!({
        "backlog_mib": backlog >> 20, "compression_ratio": ratio, "budget_mib": BUDGET_MIB,
        "idle_mib": most(&idle), "every_ms": EVERY.as_millis(), "samples_mib": samples,
        "max_of_quarters_mib": samples.chunks(samples.len().div_ceil(4)).map(most).collect::<Vec<_>>(),
    });
    let kylo = Side::single("kylo consume txns --shadow", "MiB at most", value + BUDGET_MIB);
    let peer = Some(Side::single("idle, on an empty topic", "MiB at most", most(&idle)));
    let goal = Goal::AtMost(64.0);
    crate::say(&format!("memory: compression {ratio:.2}:1"));
    vec![Figure { name: "memory_over_budget_mib", value, unit: "MiB", goal, kylo, peer, detail }]
}

/// Resident memory in MiB, twice a second.
fn sample(pid: u32, time: Duration, mut look: impl FnMut()) -> Vec<f64> {
    let began = Instant::now();
    let mut samples = Vec::new();
    while began.elapsed() < time {
        look();
        samples.push((resident_mib(pid) * 10.0).round() / 10.0);
        std::thread::sleep(EVERY);
    }
    samples
}

/// Key and value of the message with this number: JSON that lz4 makes about four times smaller, since ids, amounts
/// and shops are different each time.
fn message(number: usize) -> (String, Vec<u8>) {
    let mut transactions = String::new();
    for place in 0..IN_EACH {
        // A permutation of the number: digits without a pattern, the same in every run.
        let noise = ((number * IN_EACH + place) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (separator, day, cents) = (if place == 0 { "" } else { "," }, 1 + noise % 28, noise % 1_000_000);
        let _ = write!(
            transactions,
            r#"{separator}{{"id":"txn-{:014x}","date":"2026-01-{day:02}","amount":-{}.{:02},"currency":"USD","#,
            noise >> 8,
            cents / 100,
            cents % 100
        );
        let _ = if place % 10 < 7 {
            write!(transactions, r##""description":"POS PURCHASE #{} MERCHANT"}}"##, noise as usize % RULES)
        } else {
            write!(transactions, r#""description":"CARD 4711 SHOP {:x}, SPRINGFIELD"}}"#, noise >> 28)
        };
    }
    batch(FIRST_COMPANY + number % COMPANIES, &format!("batch-{number}"), &transactions)
}

/// A TCP proxy that can freeze: then nothing passes and nothing is closed. It ends with the program.
struct Proxy {
    address: String,
    frozen: Arc<AtomicBool>,
}

impl Proxy {
    fn start(target: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let frozen = Arc::new(AtomicBool::new(false));
        let (ours, target) = (frozen.clone(), target.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&target) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let frozen = ours.clone();
                    std::thread::spawn(move || pump(&frozen, from, to));
                }
            }
        });
        Proxy { address, frozen }
    }
}

fn pump(frozen: &AtomicBool, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while frozen.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Either end may be gone already.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
