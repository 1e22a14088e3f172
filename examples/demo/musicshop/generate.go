package musicshop

import (
	"fmt"
	"strings"
	"time"
)

// How much there is of everything.
const (
	artists  = 60
	albums   = 90
	tracks   = 500
	invoices = 400
)

// SQL is a script that makes the tables in the first schema of the search path and fills
// them. It has no COPY and no psql commands.
func SQL() string {
	s := shop{rng: 20260101}
	s.WriteString(schema)
	s.catalogue()
	s.staff()
	s.customers()
	s.sales()
	return s.String()
}

// shop is the script as far as it is written, and what later parts need of earlier ones.
type shop struct {
	strings.Builder
	rng       uint64
	prices    []int // of each track, in cents
	addresses []address
}

// address is where the bills of a customer go.
type address struct{ street, city, country, code string }

// below returns a number from 0 to n-1. It is a generator of our own (splitmix64), as
// those of the standard library may change.
func (s *shop) below(n int) int {
	s.rng += 0x9e3779b97f4a7c15
	z := s.rng
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

func (s *shop) pick(list []string) string { return list[s.below(len(list))] }

// name makes one up.
func (s *shop) name() string {
	name := s.pick(words(syllables)) + s.pick(words(syllables)) + s.pick(words(syllables))
	return strings.ToUpper(name[:1]) + name[1:]
}

// insert writes one statement; keys are given by the tables, from 1 on.
func (s *shop) insert(table, columns string, rows [][]any) {
	fmt.Fprintf(s, "INSERT INTO %s (%s) VALUES\n", table, columns)
	for i, row := range rows {
		end := ",\n"
		if i == len(rows)-1 {
			end = ";\n"
		}
		values := make([]string, len(row))
		for j, v := range row {
			values[j] = literal(v)
		}
		s.WriteString("(" + strings.Join(values, ", ") + ")" + end)
	}
}

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int:
		return fmt.Sprint(v)
	case cents:
		return fmt.Sprintf("%d.%02d", v/100, v%100)
	case time.Time:
		return v.Format("'2006-01-02 15:04:05'")
	}
	return "'" + strings.ReplaceAll(fmt.Sprint(v), "'", "''") + "'"
}

// cents is an amount of money.
type cents int

func column(names []string) (rows [][]any) {
	for _, name := range names {
		rows = append(rows, []any{name})
	}
	return rows
}

func (s *shop) catalogue() {
	s.insert("genre", "name", column(genres()))
	s.insert("media_type", "name", column(mediaTypes()))
	var rows [][]any
	for range artists {
		form := s.pick(strings.Split(bands, ";"))
		rows = append(rows, []any{fmt.Sprintf(form, s.pick(words(adjectives)), s.pick(words(nouns)))})
	}
	s.insert("artist", "name", rows)
	rows = nil
	for i := range albums {
		rows = append(rows, []any{s.pick(words(nouns)) + " of the " + s.pick(words(adjectives)) + " " + s.pick(words(nouns)), i%artists + 1})
	}
	s.insert("album", "title, artist_id", rows)
	rows = nil
	for i := range tracks {
		price := []int{99, 99, 99, 129, 199}[s.below(5)]
		s.prices = append(s.prices, price)
		var composer any
		if s.below(3) > 0 {
			composer = s.name() + " " + s.pick(words(lastNames))
		}
		length := 90_000 + s.below(300_000)
		rows = append(rows, []any{s.pick(words(adjectives)) + " " + s.name(), i%albums + 1, s.below(3) + 1, i%albums%len(genres()) + 1,
			composer, length, length * 32, cents(price)})
	}
	s.insert("track", "name, album_id, media_type_id, genre_id, composer, milliseconds, bytes, unit_price", rows)
	s.insert("playlist", "name", column(playlists()))
	rows = nil
	for i := range playlists() {
		for track := i + 1; track <= tracks; track += 13 + i {
			rows = append(rows, []any{i + 1, track})
		}
	}
	s.insert("playlist_track", "playlist_id, track_id", rows)
}

func (s *shop) staff() {
	var rows [][]any
	for i, title := range titles() {
		boss := []any{nil, 1, 2, 2, 2, 1}[i]
		first, last := s.name(), s.pick(words(lastNames))
		rows = append(rows, []any{last, first, title, boss, time.Date(1970+i*3, 5, 4+i, 0, 0, 0, 0, time.UTC),
			time.Date(2018, 2, 1+i, 0, 0, 0, 0, time.UTC), "Canada", strings.ToLower(first) + "@musicshop.example"})
	}
	s.insert("employee", "last_name, first_name, title, reports_to, birth_date, hire_date, country, email", rows)
}

func (s *shop) customers() {
	var rows [][]any
	// In turns, so that the ids of a country's customers do not lie side by side.
	for turn, some := 0, true; some; turn++ {
		some = false
		for _, c := range countries() {
			if turn >= c.customers {
				continue
			}
			some = true
			first, last := s.name(), s.pick(words(lastNames))
			a := address{fmt.Sprintf("%s %d", s.pick(strings.Split(streets, ";")), s.below(200)+1), s.name(), c.name, fmt.Sprintf("%05d", s.below(100_000))}
			s.addresses = append(s.addresses, a)
			rows = append(rows, []any{first, last, a.street, a.city, a.country, a.code,
				fmt.Sprintf("%s.%d@mail.example", strings.ToLower(first), len(rows)+1), s.below(3) + 3})
		}
	}
	s.insert("customer", "first_name, last_name, address, city, country, postal_code, email, support_rep_id", rows)
}

func (s *shop) sales() {
	var bills, lines [][]any
	day := time.Date(2021, 1, 2, 0, 0, 0, 0, time.UTC)
	for i := range invoices {
		customer := i%len(s.addresses) + 1 // everybody buys something
		if i >= 2*len(s.addresses) {
			customer = s.below(len(s.addresses)) + 1
		}
		total := 0
		for range s.below(10) + 1 {
			track, quantity := s.below(tracks)+1, 1
			if s.below(8) == 0 {
				quantity = 2 + s.below(3)
			}
			total += s.prices[track-1] * quantity
			lines = append(lines, []any{i + 1, track, cents(s.prices[track-1]), quantity})
		}
		a := s.addresses[customer-1]
		bills = append(bills, []any{customer, day, a.street, a.city, a.country, a.code, cents(total)})
		day = day.AddDate(0, 0, 1+s.below(7)).Add(time.Duration(s.below(3600)) * time.Second)
	}
	s.insert("invoice", "customer_id, invoice_date, billing_address, billing_city, billing_country, billing_postal_code, total", bills)
	s.insert("invoice_line", "invoice_id, track_id, unit_price, quantity", lines)
}
