-- Where each company's rows and tabs are. The only source of routing: what a message says about it is ignored.
create table control.company_config (
    company_id     varchar(50)  primary key,
    db_dsn_rw      text         not null,
    db_schema      varchar(50)  not null,
    spreadsheet_id varchar(100) not null,
    tab_pending    varchar(100) not null,
    tab_active     varchar(100) not null,
    created_at     timestamptz  not null default now(),
    updated_at     timestamptz  not null default now()
);
