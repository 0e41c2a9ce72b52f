# needs: sqlite3
# sqlite3: a database on disk with locks, a journal, an index.
sqlite3 db.sqlite "pragma journal_mode=wal; create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i+1 from n where i<20000) insert into t select i, hex(i*7919) from n;
create index x on t(b); select count(*), sum(a), min(b), max(b) from t; pragma integrity_check; pragma journal_mode=delete; vacuum;"
for i in 1 2 3 4; do sqlite3 -cmd '.timeout 20000' db.sqlite "begin immediate; update t set b='$i' where a=$i; commit;" & done; wait
sqlite3 db.sqlite 'select a, b from t where a <= 4; select count(*) from t'
