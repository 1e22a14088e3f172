package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/examples/tracker"
	"github.com/stratum-hq/stratum-go/examples/tracker/chi-pgx-sqlc/db"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

func main() { os.Exit(tracker.Main(build)) }

//go:embed db/schema.sql
var schema string

// build migrates as the owner, opens the database as the application, and sets up the routes.
func build(ctx context.Context, env tracker.Env) (*tracker.Service, error) {
	if err := migrate(ctx, env.Owner); err != nil {
		return nil, err
	}
	pool, err := stratumpgx.Open(ctx, env.App, stratumpgx.Config{Logger: env.Log})
	if err != nil {
		return nil, err
	}
	a := api{db.New(pool)}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Use(stratumhttp.Middleware(env.Tenants, stratumhttp.Config{Authorize: tracker.MemberOf, Logger: env.Log}))
	r.Get("/projects", a.listProjects)
	r.Post("/projects", a.createProject)
	r.Get("/projects/{id}", a.getProject)
	r.Post("/projects/{id}/tasks", a.createTask)
	return tracker.HTTP(r, pool.Close), nil
}

// migrate makes the tables and puts them under row-level security.
func migrate(ctx context.Context, owner string) error {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, schema); err != nil {
		return err
	}
	return rls.Protect(ctx, conn,
		rls.Table{Name: "project", CompositeKey: true},
		rls.Table{Name: "task", ForeignKeys: true},
	)
}

// api is the handlers. The queries run in the tenant of the request's context.
type api struct{ queries *db.Queries }

func (a api) listProjects(w http.ResponseWriter, r *http.Request) {
	projects, err := a.queries.ListProjects(r.Context())
	answer(w, r, http.StatusOK, projects, err)
}

func (a api) createProject(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Name == "" {
		http.Error(w, "a project needs a name", http.StatusBadRequest)
		return
	}
	project, err := a.queries.CreateProject(r.Context(), in.Name)
	answer(w, r, http.StatusCreated, project, err)
}

func (a api) getProject(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64) // 0 is nobody's
	project, err := a.queries.GetProject(r.Context(), id)
	if err != nil {
		answer(w, r, 0, nil, err)
		return
	}
	tasks, err := a.queries.ListTasks(r.Context(), id)
	answer(w, r, http.StatusOK, struct {
		db.Project
		Tasks []db.ListTasksRow `json:"tasks"`
	}{project, tasks}, err)
}

func (a api) createTask(w http.ResponseWriter, r *http.Request) {
	var in struct{ Title string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Title == "" {
		http.Error(w, "a task needs a title", http.StatusBadRequest)
		return
	}
	id, _ := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	task, err := a.queries.CreateTask(r.Context(), db.CreateTaskParams{ProjectID: id, Title: in.Title})
	answer(w, r, http.StatusCreated, task, err)
}

// answer writes what a query gave. A project of another tenant does not exist: reading it
// finds no row, and a task for it breaks the foreign key, which carries the tenant.
func answer(w http.ResponseWriter, r *http.Request, status int, body any, err error) {
	var broken *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &broken) && broken.Code == "23503":
		http.Error(w, "there is no such project", http.StatusNotFound)
	case err != nil:
		stratumhttp.WriteError(w, r, err)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
}
