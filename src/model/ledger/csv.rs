//! Transactions from a CSV file: delimiter and columns are found by the header line.

use super::identity::hex;
use super::money::{parse_cents, parse_whole_cents};
use super::transaction::{CompanyTxns, Txn, parse_date};
use super::webhook::group;
use super::wire::MAX_DESCRIPTION;
use hashbrown::HashMap;
use sha2::{Digest, Sha256};

const COLUMNS: &[&str] = &[
    "company_id",
    "id",
    "date",
    "amount",
    "amount_cents",
    "description",
    "currency",
    "counterparty",
    "memo",
    "category",
];

/// Parses transactions and groups them by company, in order of appearance. `Err` lists every fault with its line.
///
/// Without an `id` column the id is a hash of company, `source`, date, cents, description and the ordinal among
/// equals: two equal purchases both count, and the same file twice changes nothing. Such a file needs `source`
/// (the account it was exported from); without it the only fault says so. Days are `YYYY-MM-DD` and nothing else,
/// since 03/04 is March here and April there.
pub fn parse(text: &[u8], source: Option<&str>) -> Result<Vec<CompanyTxns<'static>>, Vec<String>> {
    let (mut reader, columns) = open(text, COLUMNS)?;
    for needed in ["company_id", "date", "description"] {
        if !columns.contains_key(needed) {
            return Err(vec![format!("line 1: no column {needed}")]);
        }
    }
    if !columns.contains_key("amount") && !columns.contains_key("amount_cents") {
        return Err(vec!["line 1: no column amount".to_owned()]);
    }
    let has_ids = columns.contains_key("id");
    if !has_ids && source.is_none() {
        return Err(vec![
            "line 1: no column id; name the account with --source, and ids are made from it".to_owned(),
        ]);
    }
    let mut faults = Vec::new();
    let mut checked = Vec::new();
    let mut equals: HashMap<String, u32> = HashMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push(format!("line {line}: not a row of {} fields in UTF-8", columns.len()));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let field = |name: &str| columns.get(name).and_then(|&at| record.get(at)).unwrap_or_default();
        match row(&field) {
            Err((name, reason)) => faults.push(format!("line {line}: {name} {reason}")),
            Ok((_, txn)) if has_ids && txn.id.is_empty() => faults.push(format!("line {line}: id is empty")),
            Ok((company, mut txn)) => {
                if !has_ids {
                    let content = format!(
                        "{company}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}",
                        source.unwrap_or_default(),
                        txn.date,
                        txn.cents,
                        txn.description
                    );
                    let ordinal = equals.entry(content.clone()).and_modify(|count| *count += 1).or_insert(1);
                    txn.id = hex(&Sha256::digest(format!("{content}\u{1f}{ordinal}").as_bytes())).into();
                }
                checked.push((line as usize, company, txn));
            }
        }
    }
    match group(checked, |line| format!("line {line}")) {
        Err(doubles) => {
            faults.extend(doubles);
            Err(faults)
        }
        Ok(_) if !faults.is_empty() => Err(faults),
        Ok(companies) if companies.is_empty() => {
            Err(vec!["no transactions below the header line".to_owned()])
        }
        Ok(companies) => Ok(companies),
    }
}

fn row<'r>(field: &impl Fn(&str) -> &'r str) -> Result<(String, Txn<'static>), (&'static str, String)> {
    let text = |name: &'static str| {
        let text = field(name);
        if text.contains('\0') { Err((name, "holds a NUL character".to_owned())) } else { Ok(text) }
    };
    let optional = |name| text(name).map(|text| (!text.is_empty()).then(|| text.to_owned().into()));
    let company = text("company_id")?.trim();
    if company.is_empty() {
        return Err(("company_id", "is empty".to_owned()));
    }
    let date =
        parse_date(field("date").trim()).ok_or(("date", "is not a day written YYYY-MM-DD".to_owned()))?;
    let (amount, whole) = (field("amount").trim(), field("amount_cents").trim());
    let cents = match (amount, whole) {
        ("", "") => return Err(("amount", "is missing".to_owned())),
        (_, "") => parse_cents(amount).map_err(|error| ("amount", error.to_string()))?,
        ("", _) => parse_whole_cents(whole).map_err(|error| ("amount_cents", error.to_string()))?,
        _ => match (parse_cents(amount), parse_whole_cents(whole)) {
            (Ok(a), Ok(b)) if a == b => a,
            _ => return Err(("amount_cents", "differs from amount".to_owned())),
        },
    };
    let description = text("description")?;
    if description.len() > MAX_DESCRIPTION {
        return Err(("description", format!("is longer than {MAX_DESCRIPTION} bytes")));
    }
    let currency = text("currency")?.trim();
    let txn = Txn {
        id: text("id")?.trim().to_owned().into(),
        date,
        cents,
        currency: if currency.is_empty() { "USD".into() } else { currency.to_owned().into() },
        description: description.to_owned().into(),
        counterparty: optional("counterparty")?,
        memo: optional("memo")?,
        category: optional("category")?,
    };
    Ok((company.to_owned(), txn))
}

/// A reader below its header line, and the place of each known column.
pub(super) type Opened<'t> = (csv::Reader<&'t [u8]>, HashMap<&'static str, usize>);

/// Reads the header line. Unknown columns are ignored, a column that stands twice is a fault.
pub(super) fn open<'t>(text: &'t [u8], known: &[&'static str]) -> Result<Opened<'t>, Vec<String>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let header = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| header.iter().filter(|&&byte| byte == delimiter).count();
    let delimiter =
        [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|&byte| count(byte)).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text);
    let headings = reader.headers().map_err(|_| vec!["line 1: not a header line in UTF-8".to_owned()])?;
    let mut columns = HashMap::new();
    for (at, heading) in headings.iter().enumerate() {
        let heading = heading.trim().to_ascii_lowercase();
        if let Some(name) = known.iter().find(|name| **name == heading)
            && columns.insert(*name, at).is_some()
        {
            return Err(vec![format!("line 1: column {name} stands twice")]);
        }
    }
    Ok((reader, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "company_id,id,date,amount,description\n";

    #[test]
    fn columns_and_delimiter_come_from_the_header() {
        let text =
            "\u{feff}Description; amount ;Company_ID;date;ID;other\r\n\"A;B\";-1.50;710;2025-08-26;t1;x\r\n";
        let companies = parse(text.as_bytes(), None).unwrap();
        let txn = &companies[0].transactions[0];
        assert_eq!((companies[0].company_id.as_str(), txn.id.as_ref()), ("710", "t1"));
        assert_eq!((txn.cents, txn.description.as_ref(), txn.currency.as_ref()), (-150, "A;B", "USD"));
    }

    #[test]
    fn faults_name_their_lines() {
        let text = format!(
            "{HEAD}710,t1,2025-08-26,1.005,x\n710,t2,03/04/2025,1,x\n,t3,2025-08-26,1,x\n710,t4,2025-08-26,1\n\
             710,t5,2025-08-26,1,x\n710,t5,2025-08-26,1,x\n710,t6,2025-08-26,\"1,5\",x\n\
             710, ,2025-08-26,1,x\n"
        );
        assert_eq!(
            parse(text.as_bytes(), None).unwrap_err(),
            [
                "line 2: amount has more than two decimal places",
                "line 3: date is not a day written YYYY-MM-DD",
                "line 4: company_id is empty",
                "line 5: not a row of 5 fields in UTF-8",
                "line 8: amount is not a decimal number",
                "line 9: id is empty",
                "line 7: id \"t5\" appears twice for company \"710\"",
            ]
        );
        for (text, expected) in [
            (HEAD, "no transactions below the header line"),
            ("id,date,amount,description\n", "line 1: no column company_id"),
            ("company_id,id,date,description\n", "line 1: no column amount"),
            ("company_id,id,date,amount,date,description\n", "line 1: column date stands twice"),
        ] {
            assert_eq!(parse(text.as_bytes(), None).unwrap_err(), [expected]);
        }
    }

    #[test]
    fn made_ids_count_equals_and_are_stable() {
        let text = b"company_id,date,amount,description\n710,2025-08-26,1,x\n710,2025-08-26,1,x\n710,2025-08-26,2,x\n";
        assert!(parse(text, None).unwrap_err()[0].contains("--source"));
        let ids = |source| -> Vec<String> {
            let companies = parse(text, Some(source)).unwrap();
            companies[0].transactions.iter().map(|txn| txn.id.to_string()).collect()
        };
        let first = ids("checking");
        assert_eq!(first, ids("checking"));
        assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
        assert!(ids("savings").iter().all(|id| !first.contains(id)));
    }
}
