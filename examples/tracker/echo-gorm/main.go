package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	stratumgorm "github.com/stratum-hq/stratum-go/adapters/gorm"
	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/examples/tracker"
	stratumecho "github.com/stratum-hq/stratum-go/middleware/echo"
)

func main() { os.Exit(tracker.Main(build)) }

// Project and Task belong to tenants, which is said once, by Owned.
type Project struct {
	ID int64 `json:"id"`
	stratumgorm.Owned
	Name  string `json:"name"`
	Tasks []Task `json:"tasks,omitempty"`
}

// Task is something to do in a project.
type Task struct {
	ID int64 `json:"id"`
	stratumgorm.Owned
	ProjectID int64    `json:"-"`
	Project   *Project `json:"-" gorm:"constraint:OnDelete:CASCADE"`
	Title     string   `json:"title"`
	Done      bool     `json:"done"`
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
	db, err := stratumgorm.Open(pool, &gorm.Config{TranslateError: true, SkipDefaultTransaction: true})
	if err != nil {
		pool.Close()
		return nil, err
	}
	a := api{db}
	e := echo.New()
	e.Use(middleware.Recover())
	e.Use(stratumecho.Middleware(env.Tenants, stratumecho.Config{Authorize: tracker.MemberOf, Logger: env.Log}))
	e.GET("/projects", a.listProjects)
	e.POST("/projects", a.createProject)
	e.GET("/projects/:id", a.getProject)
	e.POST("/projects/:id/tasks", a.createTask)
	return tracker.HTTP(e, pool.Close), nil
}

// migrate makes the tables of the models and puts them under row-level security.
func migrate(ctx context.Context, dsn string) error {
	owner, err := gorm.Open(postgres.Open(dsn))
	if err != nil {
		return err
	}
	if pool, err := owner.DB(); err == nil {
		defer pool.Close()
	}
	return stratumgorm.Migrate(ctx, owner, stratumgorm.MigrateConfig{}, &Project{}, &Task{})
}

// api is the handlers. Statements run in the tenant of the request's context.
type api struct{ db *gorm.DB }

func (a api) with(c echo.Context) *gorm.DB { return a.db.WithContext(c.Request().Context()) }

func (a api) listProjects(c echo.Context) error {
	projects := []Project{}
	if err := a.with(c).Order("id").Find(&projects).Error; err != nil {
		return err
	}
	return c.JSON(http.StatusOK, projects)
}

func (a api) createProject(c echo.Context) error {
	var p Project
	if err := c.Bind(&p); err != nil || p.Name == "" {
		return echo.NewHTTPError(http.StatusBadRequest, "a project needs a name")
	}
	p = Project{Name: p.Name} // nothing else is the client's to choose
	if err := a.with(c).Create(&p).Error; err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, p)
}

func (a api) getProject(c echo.Context) error {
	var p Project
	err := a.with(c).Preload("Tasks").Where("id = ?", id(c)).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return echo.NewHTTPError(http.StatusNotFound, "there is no such project")
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, p)
}

func (a api) createTask(c echo.Context) error {
	var in struct{ Title string }
	if err := c.Bind(&in); err != nil || in.Title == "" {
		return echo.NewHTTPError(http.StatusBadRequest, "a task needs a title")
	}
	task := Task{ProjectID: id(c), Title: in.Title}
	err := a.with(c).Create(&task).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) { // the key carries the tenant
		return echo.NewHTTPError(http.StatusNotFound, "there is no such project")
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, task)
}

// id is the id in the path; 0, which is nobody's, if it is none.
func id(c echo.Context) (id int64) {
	_ = echo.PathParamsBinder(c).Int64("id", &id).BindError()
	return id
}
