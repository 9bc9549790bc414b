-- Bank transactions, each once. Partitioned so that every company's rows live in a schema of its own; kylo
-- creates the partition when it seeds or migrates the company.
create schema if not exists app;

create table app.transactions (
    company_id       varchar(50) not null,
    -- UUIDv5 of (company, id in the source): the same transaction is the same row however often it is sent.
    txn_uid          uuid        not null,
    source_id        text        not null,
    posted_date      date        not null,
    amount_cents     bigint      not null,
    currency         text        not null default 'USD',
    description      text        not null,
    description_norm text        not null,
    counterparty     text,
    memo             text,
    category         text,
    first_batch      text        not null,
    last_batch       text        not null,
    -- SHA-256 (32 bytes) of what the source says about the transaction; equal means nothing to write.
    content_hash     bytea       not null,
    rule_id          uuid,
    target_sheet     text,
    target_header    text,
    decided_at       timestamptz,
    updated_at       timestamptz not null default now(),
    -- The message that wrote the row. Late work never overwrites newer work: within one partition of one log the
    -- offset decides, else the timestamp (milliseconds since 1970). A log is one life of a topic: one that is
    -- deleted and made again counts its offsets from 0. 0: the message did not name its log.
    origin_log       bigint      not null,
    origin_partition int         not null,
    origin_offset    bigint      not null,
    origin_timestamp bigint      not null,
    primary key (company_id, txn_uid)
) partition by list (company_id);
