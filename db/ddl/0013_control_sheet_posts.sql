-- Posts to sheets: the claim before the call, and its end.
create schema if not exists control;

create table control.sheet_posts (
    id              bigserial    primary key,
    company_id      varchar(50)  not null,
    tab_name        varchar(100) not null,
    batch_signature text         not null,
    row_count       int          not null,
    -- The txn_uids being posted, so that a claim can be finished after a crash exactly as it was begun.
    row_ids         uuid[]       not null default '{}',
    -- For the Active tab: the version of the rules being posted (its rules are in rule_versions).
    rules_version   bigint,
    -- Counts the posts of this row: rules A, B, A post the signature of A twice.
    ordinal         int          not null default 0,
    state           text         not null check (state in ('posting', 'posted')),
    created_at      timestamptz  not null default now(),
    posted_at       timestamptz
);

create index sheet_posts_tab on control.sheet_posts (company_id, tab_name, posted_at);

-- What was claimed and not finished is looked for before every post.
create index sheet_posts_posting on control.sheet_posts (company_id, tab_name) where state = 'posting';
