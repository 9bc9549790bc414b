-- Rules as people enter and approve them; the last approval of a source wins.
create table app.rules_pending (
    company_id    varchar(50) not null,
    source        text        not null,
    source_norm   text        not null,
    target_sheet  text        not null,
    target_header text        not null,
    notes         text,
    approved      boolean     not null default false,
    -- SHA-256 hex of the rule's content, as rule_id is made from it.
    content_hash  text        not null,
    -- The content last read from the sheet: a tick that stands there does not approve again what was withdrawn.
    pulled_hash   text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    promoted_at   timestamptz,
    -- A tombstone: the rule was withdrawn, and the row stays so that this is remembered.
    withdrawn_at  timestamptz,
    primary key (company_id, source_norm)
) partition by list (company_id);
