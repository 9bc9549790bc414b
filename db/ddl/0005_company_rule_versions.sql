-- Snapshots of a company's active rules. In schema control, yet part of the company set: a promotion writes its
-- snapshot in the same transaction as the rules, so the table has to be in the company's own database.
create schema if not exists control;

create table control.rule_versions (
    company_id  varchar(50) not null,
    version     bigint      not null,
    checksum    text        not null,
    rules       jsonb       not null,
    promoted_at timestamptz not null,
    primary key (company_id, version)
);
