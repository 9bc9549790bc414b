-- The rules in force, compared with description_norm by equality.
create table app.rules_active (
    company_id    varchar(50) not null,
    -- UUIDv5 of the content hash.
    rule_id       uuid        not null,
    source        text        not null,
    source_norm   text        not null,
    target_sheet  text        not null,
    target_header text        not null,
    notes         text,
    created_at    timestamptz not null default now(),
    applied_at    timestamptz not null,
    -- The version of the company's rules that brought this content.
    version       bigint      not null,
    primary key (company_id, source_norm)
) partition by list (company_id);
