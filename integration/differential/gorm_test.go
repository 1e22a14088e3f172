package differential_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Item and Note are the tables as GORM's models.
type Item struct {
	ID    int64 `gorm:"primaryKey"`
	Code  string
	Qty   *int
	Price sql.NullString
	Label string         `gorm:"default:null"`
	Doc   map[string]any `gorm:"serializer:json"`
	Made  time.Time      `gorm:"default:null"`
	Notes []Note         `gorm:"foreignKey:Item"`
}

type Note struct {
	ID      string `gorm:"type:uuid;default:gen_random_uuid()"`
	Item    *int64
	Body    []byte
	Feeling *string
}

// TestGORM is about what only GORM shows.
func TestGORM(t *testing.T) {
	t.Parallel()
	compare(t, openGORM, append(gormCases, gormMore...))
}

func (s *side) gorm() *gorm.DB { return s.client.(gormClient).db.WithContext(s.ctx) }

// saw traces the outcome of a GORM call.
func (s *side) saw(label string, result *gorm.DB, values ...any) {
	var translated []string
	for name, err := range map[string]error{
		"duplicated": gorm.ErrDuplicatedKey, "foreign key": gorm.ErrForeignKeyViolated, "check": gorm.ErrCheckConstraintViolated, "not found": gorm.ErrRecordNotFound,
	} {
		if errors.Is(result.Error, err) {
			translated = append(translated, name)
		}
	}
	s.trace.add(label, append([]any{result.RowsAffected, result.Error, translated}, values...)...)
}

func item(code string, qty int) Item { return Item{Code: code, Qty: &qty} }

var gormCases = []testCase{
	{name: "create and find", want: `created \| int64 1 \| nil`, run: func(s *side) {
		one := item("g1", 3)
		one.Doc = map[string]any{"a": []any{1.5, nil}}
		s.saw("created", s.gorm().Create(&one), one.ID > 0, one.Made)
		many := []Item{item("g2", 1), item("g3", 2)}
		s.saw("batch", s.gorm().CreateInBatches(&many, 1), many[1].ID-many[0].ID)
		var found Item
		s.saw("first", s.gorm().First(&found, "code = ?", "g1"), found.Code, found.Qty, found.Doc, found.Price, found.Made)
		s.saw("missing", s.gorm().First(&Item{}, "code = ?", "not ours"))
		s.saw("take", s.gorm().Take(&Item{}, 987654321))
		var all []Item
		s.saw("find", s.gorm().Order("code").Find(&all, "code like 'g_'"), len(all), all[2].Code)
		var count int64
		s.saw("count", s.gorm().Model(&Item{}).Where("code like 'g_'").Count(&count), count)
		var codes []string
		s.saw("pluck", s.gorm().Model(&Item{}).Where("code like 'g_'").Order("code").Pluck("code", &codes), codes)
	}},
	{name: "update and delete", want: `updated \| int64 2`, run: func(s *side) {
		s.saw("updated", s.gorm().Model(&Item{}).Where("code in ?", []string{"g2", "g3"}).Update("qty", gorm.Expr("qty + ?", 1)))
		back := []Item{}
		s.saw("returning", s.gorm().Model(&back).Clauses(clause.Returning{}).Where("code = ?", "g2").Updates(map[string]any{"label": "l"}), len(back), back[0].Label)
		s.saw("no condition", s.gorm().Delete(&Item{}))
		s.saw("save", s.gorm().Save(&back[0]))
		s.saw("deleted", s.gorm().Where("code = ?", "g2").Delete(&Item{}))
		s.saw("none", s.gorm().Where("code = ?", "not ours").Delete(&Item{}))
	}},
	{name: "translated errors", want: `\[duplicated\]`, run: func(s *side) {
		again := item("g1", 1)
		s.saw("unique", s.gorm().Create(&again))
		negative := item("g9", -1)
		s.saw("check", s.gorm().Create(&negative))
		missing := int64(987654321)
		s.saw("foreign key", s.gorm().Create(&Note{Item: &missing}))
		feeling := "angry"
		s.saw("enum", s.gorm().Create(&Note{Feeling: &feeling}))
		s.saw("text", s.gorm().Create(&Note{ID: "not a uuid"}))
	}},
	{name: "upsert", want: `nothing \| int64 0 \| nil`, run: func(s *side) {
		again := item("g1", 8)
		s.saw("nothing", s.gorm().Clauses(clause.OnConflict{DoNothing: true}).Create(&again))
		again = item("g1", 9)
		s.saw("update", s.gorm().Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, DoUpdates: clause.AssignmentColumns([]string{"qty"})}).Create(&again), again.ID > 0)
		var found Item
		s.saw("or create", s.gorm().Where(Item{Code: "g1"}).FirstOrCreate(&found), found.Qty)
	}},
	{name: "associations", want: `preloaded \| int64 1 \| nil .*int 2`, run: func(s *side) {
		one := item("g5", 1)
		sad := "sad"
		one.Notes = []Note{{Body: []byte{0, 1}}, {Feeling: &sad}}
		s.saw("created", s.gorm().Create(&one), len(one.Notes[0].ID))
		var found Item
		s.saw("preloaded", s.gorm().Preload("Notes", func(db *gorm.DB) *gorm.DB { return db.Order("feeling nulls first") }).First(&found, one.ID), len(found.Notes), found.Notes[0].Body, found.Notes[1].Feeling)
		var names []map[string]any
		s.saw("joined", s.gorm().Table("items").Select("items.code, notes.feeling").Joins("join notes on notes.item = items.id").Order("2 nulls first").Find(&names), names)
		s.trace.add("count", s.gorm().Model(&found).Association("Notes").Count())
		s.trace.add("clear", s.gorm().Model(&found).Association("Notes").Clear())
		s.saw("sub-query", s.gorm().Where("exists (?)", s.gorm().Model(&Note{}).Select("1").Where("notes.item = items.id")).Find(&[]Item{}))
	}},
}

var gormMore = []testCase{
	{name: "nested transactions", want: `left \| int64 1`, run: func(s *side) {
		s.trace.add("outer", s.gorm().Transaction(func(tx *gorm.DB) error {
			one, two := item("n1", 1), item("n2", 1)
			s.saw("first", tx.Create(&one))
			s.trace.add("inner", tx.Transaction(func(tx *gorm.DB) error {
				s.saw("second", tx.Create(&two))
				s.saw("again", tx.Create(&Item{Code: "n2"}))
				return errStop
			}))
			s.saw("savepoint", tx.SavePoint("here"))
			s.saw("aborts", tx.Exec("select 1 / 0"))
			s.saw("back", tx.RollbackTo("here"))
			return nil
		}))
		s.saw("left", s.gorm().Where("code like 'n_'").Delete(&Item{}))
		tx := s.gorm().Begin(&sql.TxOptions{ReadOnly: true})
		s.saw("read only", tx.Create(&Item{Code: "n3"}))
		s.saw("rollback", tx.Rollback())
		s.saw("twice", tx.Rollback())
	}},
	{name: "iterators", want: `batch \| int 2`, run: func(s *side) {
		many := []Item{item("i1", 1), item("i2", 2), item("i3", 3)}
		s.saw("created", s.gorm().Create(&many))
		var batch []Item
		s.saw("batches", s.gorm().Where("code like 'i_'").FindInBatches(&batch, 2, func(tx *gorm.DB, n int) error {
			s.trace.add("batch", n, len(batch))
			return tx.Model(&Item{}).Where("code = ?", batch[0].Code).Update("label", "seen").Error
		}))
		rows, err := s.gorm().Model(&Item{}).Where("code like 'i_'").Order("code").Rows()
		s.trace.add("rows", err)
		for rows.Next() {
			var one Item
			s.trace.add("row", s.gorm().ScanRows(rows, &one), one.Code, one.Label)
		}
		s.trace.add("end", rows.Err(), rows.Close())
		s.saw("deleted", s.gorm().Where("code like 'i_'").Delete(&Item{}))
	}},
	{name: "prepared statements", want: `kept \| int64 1`, run: func(s *side) {
		prepared := s.gorm().Session(&gorm.Session{PrepareStmt: true})
		for range 2 {
			one := item("ps", 1)
			s.saw("create", prepared.Create(&one))
		}
		var found Item
		s.saw("kept", prepared.First(&found, "code = ?", "ps"), found.Qty)
		s.saw("bad argument", prepared.Raw("select ?::int8", "words").Scan(new(int64)))
		s.saw("deleted", prepared.Where("code = ?", "ps").Delete(&Item{}))
	}},
	{name: "raw and named", want: `scan \| int64 1 \| nil`, run: func(s *side) {
		var sum int
		s.saw("scan", s.gorm().Raw("select cast(@a as int) + cast(@b as int)", map[string]any{"a": 1, "b": 2}).Scan(&sum), sum)
		s.saw("named", s.gorm().Raw("select cast(@a as int)", sql.Named("a", 5)).Scan(&sum), sum)
		s.trace.add("row", s.gorm().Raw("select 1 where false").Row().Scan(&sum))
		s.saw("wrong type", s.gorm().Raw("select 'words'").Scan(&sum))
	}},
	{name: "migrator reads", want: `table \| bool true`, run: func(s *side) {
		m := s.gorm().Migrator()
		s.trace.add("table", m.HasTable(&Item{}), m.HasColumn(&Item{}, "code"), m.HasIndex(&Item{}, "items_code_key"), m.HasConstraint(&Item{}, "items_qty_positive"))
		types, err := m.ColumnTypes(&Item{})
		s.trace.add("types", len(types), err)
		for _, c := range types {
			length, hasLength := c.Length()
			nullable, known := c.Nullable()
			value, hasValue := c.DefaultValue()
			s.trace.add(c.Name(), c.DatabaseTypeName(), length, hasLength, nullable, known, value, hasValue)
		}
		s.trace.add("create", m.CreateTable(&struct{ ID int }{}))
	}},
}
