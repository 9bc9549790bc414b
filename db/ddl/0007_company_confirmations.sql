-- Which message said again what was stored already. Such a message leaves its rows alone, their version too; without
-- this, an older message that arrives after it (a dead letter that is replayed, a partition that was behind) would
-- overwrite what it confirmed. Named and placed like control.triage_metrics. kylo deletes what is older than 90 days.
create table control.confirmations (
    company_id       varchar(50) not null,
    -- The message, as in app.transactions.
    origin_log       bigint      not null,
    origin_partition int         not null,
    origin_offset    bigint      not null,
    origin_timestamp bigint      not null,
    created_at       timestamptz not null default now(),
    -- The transactions that it found as it says they are, written by an older message.
    txn_uids         uuid[]      not null,
    primary key (company_id, origin_log, origin_partition, origin_offset)
);

-- A message of 500 transactions stays in one place: half the time of moving it out of the row.
alter table control.confirmations set (toast_tuple_target = 8160);

-- Between two logs or partitions the timestamp says which message is newer.
create index confirmations_timestamp on control.confirmations (company_id, origin_timestamp);

-- What is old goes.
create index confirmations_created on control.confirmations (company_id, created_at);
