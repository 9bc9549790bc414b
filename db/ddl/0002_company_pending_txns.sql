-- What no rule matches: the queue of a company's Pending tab.
create sequence app.pending_arrival as bigint;

create table app.pending_txns (
    company_id       varchar(50) not null,
    txn_uid          uuid        not null,
    -- Rows are posted in order of arrival; a row keeps its number when it is seen again.
    arrival          bigint      not null default nextval('app.pending_arrival'),
    arrived_at       timestamptz not null default now(),
    first_seen_batch text        not null,
    last_seen_batch  text        not null,
    occurred_at      date        not null,
    description_norm text        not null,
    amount_cents     bigint      not null,
    status           text        not null default 'open' check (status in ('open', 'resolved')),
    -- The post that carried the row to the sheet; null means not yet posted.
    posted_signature text,
    updated_at       timestamptz not null default now(),
    primary key (company_id, txn_uid)
) partition by list (company_id);

-- The queue of the posting drain; small, since posting takes rows out of it.
create index pending_txns_unposted on app.pending_txns (company_id, arrival)
    where status = 'open' and posted_signature is null;

-- What a promoted rule may resolve.
create index pending_txns_open on app.pending_txns (company_id, description_norm)
    where status = 'open';
