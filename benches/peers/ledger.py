"""The ledger as a plain Python consumer: aiokafka and psycopg2, the same upsert and triage into the same tables.

Bulk statements (execute_values), one database commit per message, rules cached per company: what a careful
Python programmer would write. Reads its topic from the start to the end seen at start, then ends.

    ledger.py BROKERS DATABASE_URL TOPIC GROUP
"""

import asyncio
import hashlib
import json
import re
import sys
import time
import uuid
from decimal import Decimal

import psycopg2
from aiokafka import AIOKafkaConsumer
from psycopg2.extras import execute_values, register_uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "kylo://txn")
NEITHER_LETTER_NOR_DIGIT = re.compile(r"[\W_]+")

UPSERT = """
insert into app.transactions (company_id, txn_uid, source_id, posted_date, amount_cents, currency, description,
    description_norm, counterparty, memo, category, first_batch, last_batch, content_hash, rule_id, target_sheet,
    target_header, decided_at, origin_log, origin_partition, origin_offset, origin_timestamp)
values %s
on conflict (company_id, txn_uid) do update set posted_date = excluded.posted_date,
    amount_cents = excluded.amount_cents, currency = excluded.currency, description = excluded.description,
    description_norm = excluded.description_norm, counterparty = excluded.counterparty, memo = excluded.memo,
    category = excluded.category, last_batch = excluded.last_batch, content_hash = excluded.content_hash,
    rule_id = excluded.rule_id, target_sheet = excluded.target_sheet, target_header = excluded.target_header,
    decided_at = excluded.decided_at, updated_at = now(), origin_partition = excluded.origin_partition,
    origin_offset = excluded.origin_offset, origin_timestamp = excluded.origin_timestamp
where app.transactions.content_hash is distinct from excluded.content_hash
"""
PENDING = """
insert into app.pending_txns (company_id, txn_uid, first_seen_batch, last_seen_batch, occurred_at, description_norm,
    amount_cents)
values %s
on conflict (company_id, txn_uid) do update set last_seen_batch = excluded.last_seen_batch,
    description_norm = excluded.description_norm, amount_cents = excluded.amount_cents, updated_at = now()
where app.pending_txns.status = 'open'
"""


def normalise(text):
    return NEITHER_LETTER_NOR_DIGIT.sub(" ", text.lower()).strip()


def content_hash(txn, cents):
    parts = (txn["date"], str(cents), txn.get("currency", "USD"), txn["description"], txn.get("counterparty") or "",
             txn.get("memo") or "", txn.get("category") or "")
    return hashlib.sha256("\x1f".join(parts).encode()).digest()


class Ledger:
    def __init__(self, url):
        self.db = psycopg2.connect(url)
        register_uuid(conn_or_curs=self.db)
        self.rules = {}

    def rules_of(self, cursor, company):
        read_at, rules = self.rules.get(company, (0, None))
        if rules is None or time.monotonic() - read_at > 30:
            cursor.execute("select source_norm, rule_id, target_sheet, target_header from app.rules_active"
                           " where company_id = %s", (company,))
            rules = {row[0]: row[1:] for row in cursor}
            self.rules[company] = (time.monotonic(), rules)
        return rules

    def handle(self, message):
        batch = json.loads(message.value, parse_float=Decimal)
        company, batch_id = batch["company_id"], batch["batch_id"]
        if message.key != company.encode():
            raise ValueError("the key is not the company")
        origin = (0, message.partition, message.offset, message.timestamp)
        rows, pending = [], []
        with self.db, self.db.cursor() as cursor:
            rules = self.rules_of(cursor, company)
            for txn in batch["transactions"]:
                cents = Decimal(txn["amount"]) * 100
                if cents != int(cents):
                    raise ValueError("more than two places")
                cents, uid = int(cents), uuid.uuid5(NAMESPACE, company + "|" + txn["id"])
                norm = normalise(txn["description"])
                rule = rules.get(norm)
                rows.append((company, uid, txn["id"], txn["date"], cents, txn.get("currency", "USD"),
                             txn["description"], norm, txn.get("counterparty"), txn.get("memo"), txn.get("category"),
                             batch_id, batch_id, content_hash(txn, cents),
                             *(rule or (None, None, None)), batch["created_at"] if rule else None, *origin))
                if rule is None:
                    pending.append((company, uid, batch_id, batch_id, txn["date"], norm, cents))
            execute_values(cursor, UPSERT, rows, page_size=len(rows))
            if pending:
                execute_values(cursor, PENDING, pending, page_size=len(pending))
            cursor.execute(
                "insert into control.triage_metrics (company_id, batch_id, operation, transactions, matched, unmatched)"
                " values (%s, %s, 'triage', %s, %s, %s)",
                (company, batch_id, len(rows), len(rows) - len(pending), len(pending)))


async def main(brokers, url, topic, group):
    ledger = Ledger(url)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=brokers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest",
        isolation_level="read_committed", check_crcs=True, max_partition_fetch_bytes=1 << 20, fetch_max_bytes=16 << 20,
        session_timeout_ms=45000, heartbeat_interval_ms=3000, max_poll_interval_ms=300000)
    await consumer.start()
    try:
        while not consumer.assignment():
            await asyncio.sleep(0.01)
        ends = await consumer.end_offsets(consumer.assignment())
        left = {partition for partition, end in ends.items() if end > 0}
        while left:
            for partition, messages in (await consumer.getmany(timeout_ms=500, max_records=100)).items():
                for message in messages:
                    ledger.handle(message)
                    await asyncio.sleep(0)  # heartbeats go on
                if messages[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
            await consumer.commit()
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
