package integration

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // for the owner

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/testutil"
)

// clinic has eleven tables in the way of people who did not think of tenants: single
// foreign keys, which rls.Protect makes composite.
const clinic = `
create type status as enum ('booked', 'seen', 'missed');
create table practice (id bigserial primary key, name text not null);
create table doctor (id bigserial primary key, practice_id bigint not null references practice on delete cascade, name text not null, title varchar(10), license uuid not null default gen_random_uuid());
create table patient (id uuid primary key default gen_random_uuid(), name text not null, born date not null check (born > '1900-01-01'), sex char(1) check (sex in ('f', 'm', 'x')), doctor_id bigint references doctor on delete set null);
create table room (id int generated always as identity primary key, practice_id bigint not null references practice, floor smallint not null check (floor between -2 and 20));
create table appointment (id bigserial primary key, patient_id uuid not null references patient on delete cascade, doctor_id bigint not null references doctor, room_id int references room,
	during tstzrange not null, status status not null default 'booked');
create table diagnosis (code text primary key check (code ~ '^[A-Z]\d{2}\.\d$'), text text not null, parent text references diagnosis);
create table finding (appointment_id bigint not null references appointment on delete cascade, n int not null, code text not null references diagnosis, detail jsonb, primary key (appointment_id, n));
create table prescription (id bigserial primary key, appointment_id bigint not null references appointment on delete cascade, drug text not null, doses int[] not null check (cardinality(doses) > 0));
create table bill (id bigserial primary key, appointment_id bigint not null unique references appointment, net numeric(9,2) not null check (net > 0), gross numeric generated always as (net * 1.19) stored);
create table payment (bill_id bigint primary key references bill on delete cascade, paid timestamptz not null, method text not null check (method in ('cash', 'card')));
create table log (id bigint generated always as identity, at timestamptz not null, what text not null, primary key (id, at)) partition by range (at);
create table log_new partition of log for values from ('2020-01-01') to ('2120-01-01');
create table log_old partition of log default;
`

// protected makes the clinic and protects it.
func protected(ctx context.Context, superuser *pgx.Conn) error {
	if _, err := superuser.Exec(ctx, "set role stratum_owner; "+clinic); err != nil {
		return err
	}
	var tables []rls.Table
	for _, name := range []string{"practice", "doctor", "patient", "room", "appointment", "diagnosis", "finding", "prescription", "bill", "payment", "log"} {
		tables = append(tables, rls.Table{Name: name, CompositeKey: true, ForeignKeys: true})
	}
	if err := rls.Protect(ctx, superuser, tables...); err != nil {
		return err
	}
	_, err := superuser.Exec(ctx, `
		alter table diagnosis drop constraint diagnosis_pkey cascade, add primary key (tenant_id, code);
		alter table diagnosis add foreign key (tenant_id, parent) references diagnosis;
		alter table finding add foreign key (tenant_id, code) references diagnosis;`)
	return err
}

func TestIsolationOfAProtectedSchema(t *testing.T) {
	t.Parallel()
	srv, err := embedpg.Start(t.Context(), embedpg.Config{Database: "clinic"})
	if errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv(pgtest.EnvRequired) != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Stop() })
	superuser, err := pgx.Connect(t.Context(), srv.URL(embedpg.Superuser, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(protected(t.Context(), superuser), superuser.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	db, err := stratumpgx.Open(t.Context(), srv.URL(embedpg.App, ""), stratumpgx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	owner, err := sql.Open("pgx", srv.URL(embedpg.Owner, ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close() })
	start := time.Now()
	report, err := stratumtest.Attack(t.Context(), db.SQL(), stratumtest.Config{Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v\n%v", time.Since(start), report)
	if !report.OK() || len(report.NotAttacked) > 0 {
		t.Error("it does not pass, or not all was attacked")
	}
	if len(report.Tables) != 13 {
		t.Errorf("attacked: %v", report.Tables)
	}
	stratumtest.AssertIsolation(t, db.SQL(), stratumtest.Config{Owner: owner, Tenants: stratumtest.Tenants(t, 2)})
}
