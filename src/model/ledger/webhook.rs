//! The webhook's body: `{"transactions":[{"id":"t1","company_id":"710", ...}]}`, many companies in one.

use super::message::parse_json;
use super::transaction::{CompanyTxns, Txn};
use super::wire::WireTxn;
use hashbrown::{HashMap, HashSet};
use serde::Deserialize;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    transactions: Vec<WireTxn<'a>>,
}

/// Parses the body and groups it by company, companies in order of appearance. `Err` lists every fault, each
/// naming id and field; a second transaction of one id and company is one.
pub fn parse(body: &[u8]) -> Result<Vec<CompanyTxns<'_>>, Vec<String>> {
    let body: Body<'_> = parse_json(body).map_err(|fault| vec![fault.message])?;
    let mut faults = Vec::new();
    let mut checked = Vec::with_capacity(body.transactions.len());
    for (index, mut wire) in body.transactions.into_iter().enumerate() {
        let position = index + 1;
        let company = std::mem::take(&mut wire.company_id).named();
        match (company, wire.check(position)) {
            (Ok(company), Ok(txn)) => checked.push((position, company.into_owned(), txn)),
            (Err(reason), Ok(txn)) => faults.push(format!("transaction {:?}: company_id {reason}", txn.id)),
            (_, Err(fault)) => faults.push(fault.to_string()),
        }
    }
    let grouped = group(checked, |position| format!("transaction number {position}"));
    match grouped {
        Ok(companies) if faults.is_empty() && !companies.is_empty() => Ok(companies),
        Ok(_) if faults.is_empty() => Err(vec!["transactions is empty".to_owned()]),
        Ok(_) => Err(faults),
        Err(doubles) => {
            faults.extend(doubles);
            Err(faults)
        }
    }
}

/// Groups by company, in order of appearance; `place` names a position in a fault.
pub(super) fn group<'a>(
    transactions: Vec<(usize, String, Txn<'a>)>,
    place: impl Fn(usize) -> String,
) -> Result<Vec<CompanyTxns<'a>>, Vec<String>> {
    let mut faults = Vec::new();
    let mut seen: HashSet<(String, String)> = HashSet::with_capacity(transactions.len());
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut companies: Vec<CompanyTxns<'a>> = Vec::new();
    for (position, company_id, txn) in transactions {
        if !seen.insert((company_id.clone(), txn.id.to_string())) {
            faults.push(format!(
                "{}: id {:?} appears twice for company {company_id:?}",
                place(position),
                txn.id
            ));
            continue;
        }
        let at = *index.entry(company_id).or_insert_with_key(|company_id| {
            companies.push(CompanyTxns { company_id: company_id.clone(), transactions: Vec::new() });
            companies.len() - 1
        });
        companies[at].transactions.push(txn);
    }
    if faults.is_empty() { Ok(companies) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, company: &str, amount: &str) -> String {
        format!(
            r#"{{"id":"{id}","company_id":"{company}","date":"2025-08-26","amount":{amount},"description":"x"}}"#
        )
    }

    #[test]
    fn groups_by_company_in_order() {
        let body = format!(
            r#"{{"transactions":[{},{},{}]}}"#,
            one("t1", "711", "1"),
            one("t1", "710", "2"),
            one("t2", "711", "3")
        );
        let companies = parse(body.as_bytes()).unwrap();
        let shape: Vec<_> = companies
            .iter()
            .map(|company| {
                (company.company_id.as_str(), company.transactions.iter().map(|t| t.cents).collect())
            })
            .collect::<Vec<(_, Vec<_>)>>();
        assert_eq!(shape, [("711", vec![100, 300]), ("710", vec![200])]);
    }

    #[test]
    fn lists_every_fault() {
        let body = format!(
            r#"{{"transactions":[{},{},{},{}]}}"#,
            one("t1", "710", "1.005"),
            one("t2", "", "1"),
            one("t3", "710", "1"),
            one("t3", "710", "2")
        );
        assert_eq!(
            parse(body.as_bytes()).unwrap_err(),
            [
                "transaction \"t1\": amount has more than two decimal places",
                "transaction \"t2\": company_id is empty",
                "transaction number 4: id \"t3\" appears twice for company \"710\"",
            ]
        );
        assert_eq!(parse(br#"{"transactions":[]}"#).unwrap_err(), ["transactions is empty"]);
        assert_eq!(parse(b"{").unwrap_err(), ["the value is not JSON at line 1 column 1"]);
    }
}
