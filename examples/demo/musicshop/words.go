package musicshop

import "strings"

// country is where customers live; some have more of them than others.
type country struct {
	name      string
	customers int
}

func countries() []country {
	return []country{
		{"Brazil", 7}, {"United Kingdom", 6}, {"Canada", 5}, {"Japan", 5}, {"Germany", 4}, {"France", 4},
		{"Mexico", 3}, {"India", 3}, {"Portugal", 2}, {"Poland", 2}, {"Kenya", 2}, {"Norway", 2}, {"Finland", 2},
		{"Czech Republic", 2}, {"New Zealand", 2}, {"Belgium", 1}, {"Chile", 1}, {"Denmark", 1}, {"Estonia", 1},
		{"Greece", 1}, {"Iceland", 1}, {"Italy", 1}, {"South Korea", 1}, {"Uruguay", 1},
	}
}

func genres() []string {
	return []string{"Rock", "Jazz", "Folk", "Techno", "Opera", "Blues", "Reggae", "Samba", "Soundtrack", "Children's"}
}

func mediaTypes() []string {
	return []string{"MPEG audio file", "AAC audio file", "Lossless audio file"}
}

func playlists() []string {
	return []string{"Morning", "Work", "Long Drive", "Rain", "Dinner", "Late"}
}

func titles() []string {
	return []string{"General Manager", "Sales Manager", "Sales Support Agent", "Sales Support Agent", "Sales Support Agent", "IT Staff"}
}

// words of the made-up names. Some need quoting, some are not ASCII.
const (
	syllables  = "ba ne ro ti lu ma ke so va di ru pe no la shi go mi ta fe zu"
	lastNames  = "O'Tarrow Belvane D'Orsane Müllan Kestrov Harrowby Łonda Ferreiro Quillan Sandø Tavish Ibarne Morvay Yelland Ostrau Pekkala"
	adjectives = "Silver Hollow Crimson Quiet Electric Paper Northern Broken Velvet Sudden Distant Golden Wooden Hidden"
	nouns      = "River Machine Garden Harbour Engine Mirror Winter Parade Lantern Signal Orchard Satellite Stranger's Café"
	streets    = "Harbour Street;Mill Lane;Rua das Flores;Lindenallee;Station Road;Rue du Pont;Orchard Row;King's Walk"
	bands      = "The %s %ss;%s %s Quartet;%s %s;DJ %s %s"
)

func words(s string) []string { return strings.Fields(s) }
