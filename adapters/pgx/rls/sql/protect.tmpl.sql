{{define "protect"}}do {{.Tag}}
-- Puts the tables below under row-level security, one tenant seeing its rows only.
-- One statement, hence all of it or nothing. It may run any number of times: it first looks at
-- what there is, and does, and locks, only what differs.
#variable_conflict use_column
declare
  _specs    constant jsonb := {{.SpecTag}}{{.Specs}}{{.SpecTag}};
  _jit      constant text := pg_catalog.current_setting('jit');
  _path     constant text := pg_catalog.current_setting('search_path');
  _security constant text := pg_catalog.current_setting('row_security');
  _members  jsonb;     -- the tables, each with its partitions
  _fks      jsonb;     -- the foreign keys that have to become composite
  _todo     jsonb;     -- the statements that are missing, in phases
  _deep     boolean;   -- the work reads rows
  _lifted   oid[];     -- the tables that are not under FORCE meanwhile
  _item     record;
  _bad      record;
  _count    bigint;
begin
{{template "guard"}}
  -- Compiling these queries would take longer than they do: the server cannot guess how few rows there are.
  perform pg_catalog.set_config('jit', 'off', true);

  for _pass in 1..3 loop
{{template "resolve"}}
{{template "keys"}}
{{template "refuse"}}
    _todo := '[]';
{{template "plan_columns" .}}
{{template "plan_keys"}}
{{template "plan_policies" .}}
{{template "plan_grants"}}
    exit when _todo = '[]';
    _deep := exists (select from {{template "todo"}} where phase in (2, 6));
    if _pass = 3 then
      raise exception using errcode = 'ST001',
        message = format('this did not take effect: %s', (select t.sql from {{template "todo"}} order by t.phase limit 1)),
        hint = 'Somebody else may have granted it, or own what it is about.',
        detail = jsonb_build_object('field', 'Name');
    elsif _pass = 1 then
      -- What was read without locks is read again under them: another session may have been faster.
{{template "lock"}}
      continue;
    end if;
{{template "apply"}}
  end loop;
  perform pg_catalog.set_config('search_path', _path, true), pg_catalog.set_config('jit', _jit, true);
end
{{.Tag}};
{{end}}

{{define "guard"}}  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'ST001',
      message = format('the transaction is %s: rows that others commit after its snapshot would be left without a tenant', current_setting('transaction_isolation')),
      hint = 'Run this in a transaction of isolation level READ COMMITTED.',
      detail = jsonb_build_object('field', 'conn');
  end if;
  if current_setting('server_version_num')::int < 150000 then
    raise exception using errcode = 'ST001',
      message = format('this is PostgreSQL %s, and 15 is the oldest that is supported', current_setting('server_version')),
      hint = 'Upgrade the server.',
      detail = jsonb_build_object('field', 'conn');
  end if;
{{end}}

{{define "lock"}}      perform {{template "serialize"}};
      for _item in
        select distinct c.oid::regclass as rel
        from pg_class c
        where c.oid in (select t.rel from {{template "todo"}} where t.phase < 9)
          or _deep and c.oid in (select m.rel from {{template "members"}} union select f.target from {{template "fks"}})
        order by 1
      loop
        execute format('lock table only %s in access exclusive mode', _item.rel);
      end loop;
{{end}}
