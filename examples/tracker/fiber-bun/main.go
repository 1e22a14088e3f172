package main

import (
	"context"
	"database/sql"
	"errors"
	"os"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	stratumbun "github.com/stratum-hq/stratum-go/adapters/bun"
	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/examples/tracker"
	stratumfiber "github.com/stratum-hq/stratum-go/middleware/fiber"
)

func main() { os.Exit(tracker.Main(build)) }

// Project and Task belong to tenants, which is said once, by Owned.
type Project struct {
	bun.BaseModel `bun:"table:project"`
	stratumbun.Owned

	ID    int64  `bun:",pk,autoincrement" json:"id"`
	Name  string `json:"name"`
	Tasks []Task `bun:"rel:has-many,join:id=project_id" json:"tasks,omitempty"`
}

// Task is something to do in a project.
type Task struct {
	bun.BaseModel `bun:"table:task"`
	stratumbun.Owned

	ID        int64  `bun:",pk,autoincrement" json:"id"`
	ProjectID int64  `json:"-"`
	Title     string `json:"title"`
	Done      bool   `json:"done"`
}

// build migrates as the owner, opens the database as the application, and sets up the routes.
func build(ctx context.Context, env tracker.Env) (*tracker.Service, error) {
	if err := migrate(ctx, env.Owner); err != nil {
		return nil, err
	}
	pool, err := stratumpgx.Open(ctx, env.App, stratumpgx.Config{Logger: env.Log})
	if err != nil {
		return nil, err
	}
	a := api{stratumbun.Open(pool)}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(recover.New())
	app.Use(stratumfiber.Middleware(env.Tenants, stratumfiber.Config{Authorize: tracker.MemberOf, Logger: env.Log}))
	app.Get("/projects", a.listProjects)
	app.Post("/projects", a.createProject)
	app.Get("/projects/:id", a.getProject)
	app.Post("/projects/:id/tasks", a.createTask)
	return &tracker.Service{
		Serve: app.Listener,
		Shutdown: func(ctx context.Context) error {
			defer pool.Close()
			return app.ShutdownWithContext(ctx)
		},
	}, nil
}

// api is the handlers. Statements run in the tenant of the request's user context.
type api struct{ db *bun.DB }

func (a api) listProjects(c *fiber.Ctx) error {
	projects := []Project{}
	if err := a.db.NewSelect().Model(&projects).Order("id").Scan(c.UserContext()); err != nil {
		return err
	}
	return c.JSON(projects)
}

func (a api) createProject(c *fiber.Ctx) error {
	var in struct{ Name string }
	if err := c.BodyParser(&in); err != nil || in.Name == "" {
		return fiber.NewError(fiber.StatusBadRequest, "a project needs a name")
	}
	p := Project{Name: in.Name}
	if _, err := a.db.NewInsert().Model(&p).Exec(c.UserContext()); err != nil {
		return err
	}
	return c.Status(fiber.StatusCreated).JSON(p)
}

func (a api) getProject(c *fiber.Ctx) error {
	var p Project
	err := a.db.NewSelect().Model(&p).Relation("Tasks").Where("project.id = ?", id(c)).Scan(c.UserContext())
	if errors.Is(err, sql.ErrNoRows) {
		return fiber.NewError(fiber.StatusNotFound, "there is no such project")
	}
	if err != nil {
		return err
	}
	return c.JSON(p)
}

func (a api) createTask(c *fiber.Ctx) error {
	var in struct{ Title string }
	if err := c.BodyParser(&in); err != nil || in.Title == "" {
		return fiber.NewError(fiber.StatusBadRequest, "a task needs a title")
	}
	task := Task{ProjectID: id(c), Title: in.Title}
	_, err := a.db.NewInsert().Model(&task).Exec(c.UserContext())
	var broken *pgconn.PgError
	if errors.As(err, &broken) && broken.Code == "23503" { // the key carries the tenant
		return fiber.NewError(fiber.StatusNotFound, "there is no such project")
	}
	if err != nil {
		return err
	}
	return c.Status(fiber.StatusCreated).JSON(task)
}

// id is the id in the path; 0, which is nobody's, if it is none.
func id(c *fiber.Ctx) int64 {
	n, _ := c.ParamsInt("id")
	return int64(n)
}
