//! As much of Kafka's protocol as it takes to write and read records byte for byte: no client library can change
//! or refuse a header on the way, and none can hide one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const PRODUCE: (i16, i16) = (0, 3);
const FETCH: (i16, i16) = (1, 4);
const CREATE_ACLS: (i16, i16) = (30, 1);
const DELETE_ACLS: (i16, i16) = (31, 1);
const DESCRIBE_LOG_DIRS: (i16, i16) = (35, 1);

/// In access lists: a topic, by its whole name.
const TOPIC: u8 = 2;
const LITERAL: u8 = 3;

/// A record as it lies in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Raw {
    /// The last header of this name as text.
    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().rfind(|(other, _)| other == name.as_bytes());
        let value = found.and_then(|(_, value)| value.clone()).unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    }
}

/// Writes one record to a partition and gives its offset.
pub fn produce(broker: &str, topic: &str, partition: i32, record: &Raw) -> i64 {
    let mut body = Vec::new();
    body.extend((-1_i16).to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend(10_000_i32.to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    string(&mut body, topic);
    body.extend(1_i32.to_be_bytes());
    body.extend(partition.to_be_bytes());
    let batch = batch(record);
    body.extend((batch.len() as i32).to_be_bytes());
    body.extend(batch);
    let answer = ask(broker, PRODUCE, &body);
    let mut at = Cursor(&answer);
    at.i32();
    let name = at.i16();
    at.take(name as usize);
    at.i32();
    at.i32();
    let error = at.i16();
    assert_eq!(error, 0, "producing to {topic}[{partition}]");
    at.i64()
}

/// Every record of a partition from its start; the topic must not be compressed.
pub fn fetch(broker: &str, topic: &str, partition: i32) -> Vec<Raw> {
    let mut records = Vec::new();
    let mut next = 0;
    loop {
        let mut body = Vec::new();
        body.extend((-1_i32).to_be_bytes());
        body.extend(100_i32.to_be_bytes());
        body.extend(1_i32.to_be_bytes());
        body.extend((64_i32 << 20).to_be_bytes());
        body.push(0);
        body.extend(1_i32.to_be_bytes());
        string(&mut body, topic);
        body.extend(1_i32.to_be_bytes());
        body.extend(partition.to_be_bytes());
        body.extend(i64::to_be_bytes(next));
        body.extend((64_i32 << 20).to_be_bytes());
        let answer = ask(broker, FETCH, &body);
        let mut at = Cursor(&answer);
        at.i32();
        at.i32();
        let name = at.i16();
        at.take(name as usize);
        at.i32();
        at.i32();
        let error = at.i16();
        assert_eq!(error, 0, "fetching {topic}[{partition}]");
        let end = at.i64();
        at.i64();
        let aborted = at.i32().max(0);
        at.take(aborted as usize * 16);
        let length = at.i32().max(0);
        let mut set = Cursor(at.take(length as usize));
        let before = next;
        while set.0.len() > 61 {
            let base = set.i64();
            let length = set.i32() as usize;
            if set.0.len() < length {
                break;
            }
            next = batch_records(base, Cursor(set.take(length)), before, &mut records);
        }
        if next >= end || next == before {
            return records;
        }
    }
}

/// Takes everybody's right to write to `topic` away, on a broker that has an authorizer.
pub fn deny_writes(broker: &str, topic: &str) {
    const WRITE: u8 = 4;
    const ALL: u8 = 2;
    const ALLOW: u8 = 3;
    const DENY: u8 = 2;
    let mut body = 2_i32.to_be_bytes().to_vec();
    for (operation, permission) in [(ALL, ALLOW), (WRITE, DENY)] {
        body.push(TOPIC);
        string(&mut body, topic);
        body.push(LITERAL);
        string(&mut body, "User:*");
        string(&mut body, "*");
        body.extend([operation, permission]);
    }
    let answer = ask(broker, CREATE_ACLS, &body);
    let mut at = Cursor(&answer);
    at.i32();
    for _ in 0..at.i32() {
        assert_eq!(at.i16(), 0, "denying writes to {topic}");
        let length = at.i16().max(0);
        at.take(length as usize);
    }
}

/// Gives all rights to `topic` back.
pub fn allow_all(broker: &str, topic: &str) {
    const ANY: u8 = 1;
    let mut body = 1_i32.to_be_bytes().to_vec();
    body.push(TOPIC);
    string(&mut body, topic);
    body.push(LITERAL);
    body.extend((-1_i16).to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend([ANY, ANY]);
    let answer = ask(broker, DELETE_ACLS, &body);
    let mut at = Cursor(&answer);
    at.i32();
    assert_eq!(at.i32(), 1, "one filter, one answer");
    assert_eq!(at.i16(), 0, "allowing {topic}");
}

/// Bytes that the logs of `topic` take on the broker's disk.
pub fn stored_bytes(broker: &str, topic: &str) -> i64 {
    let answer = ask(broker, DESCRIBE_LOG_DIRS, &(-1_i32).to_be_bytes());
    let mut at = Cursor(&answer);
    at.i32();
    let mut sum = 0;
    for _ in 0..at.i32() {
        at.i16();
        at.string();
        for _ in 0..at.i32() {
            let name = at.string();
            for _ in 0..at.i32() {
                at.i32();
                let size = at.i64();
                at.take(8 + 1);
                sum += if name == topic.as_bytes() { size } else { 0 };
            }
        }
    }
    sum
}

/// Reads a batch behind its length; gives the offset behind it.
fn batch_records(base: i64, mut at: Cursor<'_>, from: i64, records: &mut Vec<Raw>) -> i64 {
    at.take(4 + 1 + 4);
    let attributes = at.i16();
    assert_eq!(attributes & 7, 0, "the batch is compressed");
    let last = at.i32();
    at.take(8 + 8 + 8 + 2 + 4);
    for _ in 0..at.i32() {
        at.varint();
        at.take(1);
        at.varint();
        let offset = base + at.varint();
        let (key, value) = (at.sized(), at.sized());
        let headers = (0..at.varint()).map(|_| (at.sized().unwrap_or_default(), at.sized())).collect();
        if offset >= from {
            records.push(Raw { key, value, headers });
        }
    }
    base + i64::from(last) + 1
}

fn batch(record: &Raw) -> Vec<u8> {
    let mut body = vec![0, 0, 0];
    sized(&mut body, record.key.as_deref());
    sized(&mut body, record.value.as_deref());
    varint(&mut body, record.headers.len() as i64);
    for (name, value) in &record.headers {
        sized(&mut body, Some(name));
        sized(&mut body, value.as_deref());
    }
    let mut checked = Vec::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis() as i64;
    checked.extend(0_i16.to_be_bytes());
    checked.extend(0_i32.to_be_bytes());
    checked.extend(now.to_be_bytes());
    checked.extend(now.to_be_bytes());
    checked.extend((-1_i64).to_be_bytes());
    checked.extend((-1_i16).to_be_bytes());
    checked.extend((-1_i32).to_be_bytes());
    checked.extend(1_i32.to_be_bytes());
    varint(&mut checked, body.len() as i64);
    checked.extend(body);
    let mut batch = Vec::new();
    batch.extend(0_i64.to_be_bytes());
    batch.extend((checked.len() as i32 + 9).to_be_bytes());
    batch.extend((-1_i32).to_be_bytes());
    batch.push(2);
    batch.extend(crc32c(&checked).to_be_bytes());
    batch.extend(checked);
    batch
}

fn ask(broker: &str, (api, version): (i16, i16), body: &[u8]) -> Vec<u8> {
    let mut request = Vec::new();
    request.extend(api.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(7_i32.to_be_bytes());
    string(&mut request, "chaos");
    request.extend(body);
    let mut stream = TcpStream::connect(broker).expect("connecting to the broker");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    stream.write_all(&(request.len() as i32).to_be_bytes()).expect("asking the broker");
    stream.write_all(&request).expect("asking the broker");
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("the broker's answer");
    let mut answer = vec![0; i32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).expect("the broker's answer");
    answer.split_off(4)
}

fn string(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as i16).to_be_bytes());
    to.extend(text.as_bytes());
}

fn varint(to: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        to.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    to.push(rest as u8);
}

fn sized(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint(to, -1),
        Some(bytes) => {
            varint(to, bytes.len() as i64);
            to.extend(bytes);
        }
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        head
    }
    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().expect("as many bytes as asked for")
    }
    fn string(&mut self) -> &'a [u8] {
        let length = self.i16();
        self.take(length as usize)
    }
    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.array())
    }
    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.array())
    }
    fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.array())
    }
    fn varint(&mut self) -> i64 {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        (value >> 1) as i64 ^ -((value & 1) as i64)
    }
    fn sized(&mut self) -> Option<Vec<u8>> {
        let length = self.varint();
        (length >= 0).then(|| self.take(length as usize).to_vec())
    }
}

/// Castagnoli's polynomial, reflected.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    })
}
