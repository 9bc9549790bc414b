-- One row per handled message. Part of the company set for the same reason as control.rule_versions: it is
-- written in the transaction of the work it measures.
create table control.triage_metrics (
    id            bigint generated always as identity primary key,
    company_id    varchar(50) not null,
    batch_id      text        not null,
    operation     text        not null check (operation in ('triage', 'replay')),
    transactions  int         not null default 0,
    inserted      int         not null default 0,
    updated       int         not null default 0,
    matched       int         not null default 0,
    unmatched     int         not null default 0,
    resolved      int         not null default 0,
    -- Milliseconds by phase.
    prepare_ms    int         not null default 0,
    mover_ms      int         not null default 0,
    triage_ms     int         not null default 0,
    created_at    timestamptz not null default now()
);

create index triage_metrics_company on control.triage_metrics (company_id, created_at);
