-- One row per signature: the claim's insert is what keeps a batch from being posted twice.
alter table control.sheet_posts
    add constraint sheet_posts_company_signature unique (company_id, batch_signature);
