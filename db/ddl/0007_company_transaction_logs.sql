-- Which log origin_partition and origin_offset belong to. A topic that is deleted and made again, or a record that
-- is replayed into another topic, brings offsets of another log: between two logs the timestamp decides. 0: not
-- noted, as in every row from before this column.
alter table app.transactions add column origin_log bigint not null default 0;
