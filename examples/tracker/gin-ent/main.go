package main

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"
	_ "github.com/jackc/pgx/v5/stdlib" // the owner connects as anybody would

	stratument "github.com/stratum-hq/stratum-go/adapters/ent"
	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/examples/tracker"
	"github.com/stratum-hq/stratum-go/examples/tracker/gin-ent/ent"
	entmigrate "github.com/stratum-hq/stratum-go/examples/tracker/gin-ent/ent/migrate"
	"github.com/stratum-hq/stratum-go/examples/tracker/gin-ent/ent/project"
	_ "github.com/stratum-hq/stratum-go/examples/tracker/gin-ent/ent/runtime" // the hooks of the schema
	stratumgin "github.com/stratum-hq/stratum-go/middleware/gin"
)

func main() { os.Exit(tracker.Main(build)) }

// build migrates as the owner, opens the database as the application, and sets up the routes.
func build(ctx context.Context, env tracker.Env) (*tracker.Service, error) {
	if err := migrate(ctx, env.Owner); err != nil {
		return nil, err
	}
	pool, err := stratumpgx.Open(ctx, env.App, stratumpgx.Config{Logger: env.Log})
	if err != nil {
		return nil, err
	}
	a := api{ent.NewClient(ent.Driver(stratument.Driver(pool)))}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery())
	r.Use(stratumgin.Middleware(env.Tenants, stratumgin.Config{Authorize: tracker.MemberOf, Logger: env.Log}))
	r.GET("/projects", a.listProjects)
	r.POST("/projects", a.createProject)
	r.GET("/projects/:id", a.getProject)
	r.POST("/projects/:id/tasks", a.createTask)
	return tracker.HTTP(r, pool.Close), nil
}

// migrate makes the tables of the schema and puts them under row-level security.
func migrate(ctx context.Context, dsn string) error {
	owner, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer owner.Close()
	return stratument.Migrate(ctx, owner, entmigrate.Tables, stratument.MigrateConfig{})
}

// api is the handlers. Queries run in the tenant of the request's context.
type api struct{ client *ent.Client }

// view is a project as it is answered.
type view struct {
	ID    int         `json:"id"`
	Name  string      `json:"name"`
	Tasks []*ent.Task `json:"tasks,omitempty"`
}

func show(p *ent.Project) view { return view{p.ID, p.Name, p.Edges.Tasks} }

func (a api) listProjects(c *gin.Context) {
	projects, err := a.client.Project.Query().Order(project.ByID()).All(c.Request.Context())
	if err != nil {
		refuse(c, err)
		return
	}
	list := make([]view, len(projects))
	for i, p := range projects {
		list[i] = show(p)
	}
	c.JSON(http.StatusOK, list)
}

func (a api) createProject(c *gin.Context) {
	var in struct {
		Name string `binding:"required"`
	}
	if err := c.ShouldBindJSON(&in); err != nil {
		c.String(http.StatusBadRequest, "a project needs a name")
		return
	}
	p, err := a.client.Project.Create().SetName(in.Name).Save(c.Request.Context())
	if err != nil {
		refuse(c, err)
		return
	}
	c.JSON(http.StatusCreated, show(p))
}

func (a api) getProject(c *gin.Context) {
	p, err := a.client.Project.Query().Where(project.ID(id(c))).WithTasks().Only(c.Request.Context())
	if err != nil {
		refuse(c, err)
		return
	}
	c.JSON(http.StatusOK, show(p))
}

func (a api) createTask(c *gin.Context) {
	var in struct {
		Title string `binding:"required"`
	}
	if err := c.ShouldBindJSON(&in); err != nil {
		c.String(http.StatusBadRequest, "a task needs a title")
		return
	}
	task, err := a.client.Task.Create().SetTitle(in.Title).SetProjectID(id(c)).Save(c.Request.Context())
	if err != nil {
		refuse(c, err)
		return
	}
	c.JSON(http.StatusCreated, task)
}

// refuse answers for a query that failed. A project of another tenant does not exist:
// reading it finds no row, and a task for it breaks the foreign key, which carries the
// tenant.
func refuse(c *gin.Context, err error) {
	if ent.IsNotFound(err) || ent.IsConstraintError(err) {
		c.String(http.StatusNotFound, "there is no such project")
		return
	}
	stratumgin.WriteError(c, err)
}

// id is the id in the path; 0, which is nobody's, if it is none.
func id(c *gin.Context) int {
	n, _ := strconv.Atoi(c.Param("id"))
	return n
}
